"""`client.jobs`: orders, lists, changes, cancels and repeats jobs."""

from __future__ import annotations

import builtins
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal, Unpack
from uuid import UUID

from booper_client._sync.sender import Sender
from booper_client.decoding import decode
from booper_client.errors import ApiError, refusal
from booper_client.fields import BulkFilters, ChangeFields, JobFields, JobFilters, RetryFields
from booper_client.models.jobs import Attempt, Job, Matches, Operation, Reason
from booper_client.models.pages import Page
from booper_client.requests_out import Request, part, post

JobId = str | int | UUID | Job


class Jobs:
    """`job` is a job, its UUID or its number. `once`: an Idempotency-Key, made by itself where it is left out."""

    def __init__(self, sender: Sender) -> None:
        self._sender = sender

    def create(self, url: str, *, once: str | None = None, **fields: Unpack[JobFields]) -> Job:
        """Order a request. With `repeat_every` or `cron` it makes a schedule, and the answer is its first job."""
        return self._sender.fetch(Job, post("/jobs", {**fields, "url": url}, once))

    def create_for_group(
        self, group: str, *, once: str | None = None, **fields: Unpack[JobFields]
    ) -> builtins.list[Job]:
        """Order a request for each target of a group."""
        return self._sender.fetch_all(Job, post("/jobs", {**fields, "group": group}, once))

    def create_many(
        self, jobs: Sequence[Mapping[str, Any]], *, once: str | None = None
    ) -> builtins.list[Job | ApiError]:
        """Order up to 1,000 requests; a job or an error for each, in the same order."""
        items = self._sender.data(post("/jobs/batch", {"jobs": list(jobs)}, once))
        return [refusal(item) if "error" in item else decode(Job, item) for item in items]

    def get(self, job: JobId, *, expand: str | None = None) -> Job:
        """`expand`: `last_attempt`, `replays`, or both joined by a comma."""
        return self._sender.fetch(Job, Request("GET", f"/jobs/{part(job)}", {"expand": expand}))

    def page(
        self,
        *,
        limit: int | None = None,
        cursor: str | None = None,
        order_by: str | None = None,
        expand: str | None = None,
        **filters: Unpack[JobFilters],
    ) -> Page[Job]:
        """A page of jobs, the newest first. `order_by`: such as `scheduled_at,asc`."""
        more = {"limit": limit, "cursor": cursor, "order_by": order_by, "expand": expand}
        return self._sender.page(Job, "/jobs", {**filters, **more})

    def list(
        self, *, order_by: str | None = None, expand: str | None = None, **filters: Unpack[JobFilters]
    ) -> Iterator[Job]:
        """Every job that the filters match, page by page."""
        return self._sender.every(Job, "/jobs", {**filters, "order_by": order_by, "expand": expand})

    def change(self, job: JobId, **fields: Unpack[ChangeFields]) -> Job:
        """Change fields before the first attempt; None removes one."""
        return self._sender.fetch(Job, Request("PATCH", f"/jobs/{part(job)}", body=dict(fields)))

    def cancel(self, job: JobId) -> Job:
        """Cancel it; a job that has ended stays as it is."""
        return self._sender.fetch(Job, post(f"/jobs/{part(job)}/cancel"))

    def run_now(self, job: JobId) -> Job:
        """Make it due now, if it waits: its first attempt, or the next one after a failure."""
        return self._sender.fetch(Job, post(f"/jobs/{part(job)}/run-now"))

    def retry(self, job: JobId, *, once: str | None = None, **fields: Unpack[RetryFields]) -> Job:
        """A new job with the request of this one, due now; `fields` take the place of the old ones."""
        return self._sender.fetch(Job, post(f"/jobs/{part(job)}/retry", dict(fields), once))

    def attempts(self, job: JobId) -> builtins.list[Attempt]:
        return self._sender.fetch_all(Attempt, Request("GET", f"/jobs/{part(job)}/attempts"))

    def explain(self, job: JobId) -> builtins.list[Reason]:
        """Why it has not run, the most important reason first; of one that has ended, how."""
        document = self._sender.data(Request("GET", f"/jobs/{part(job)}/explain"))
        return [decode(Reason, reason) for reason in document["reasons"]]

    def related(self, job: JobId) -> Iterator[Job]:
        """Its callbacks and events; of a callback or an event, the job that it is about."""
        return self._sender.every_by_offset(Job, f"/jobs/{part(job)}/related", {})

    def wait(self, job: JobId, *, every_seconds: float = 0.5, expand: str | None = None) -> Job:
        """Look at it until it is completed, discarded or cancelled."""
        while not (current := self.get(job, expand=expand)).is_final:
            self._sender.sleep(every_seconds)
        return current

    def cancel_all(
        self, *, all: bool = False, limit: int | None = None, once: str | None = None, **filters: Unpack[BulkFilters]
    ) -> Operation:
        """Cancel every job of a filter. `all`: True with no filter at all."""
        return self._sender.fetch(Operation, post("/jobs/cancel", _bulk(filters, all, limit), once))

    def retry_all(
        self, *, all: bool = False, limit: int | None = None, once: str | None = None, **filters: Unpack[BulkFilters]
    ) -> Operation:
        """Run every job of a filter again."""
        return self._sender.fetch(Operation, post("/jobs/retry", _bulk(filters, all, limit), once))

    def delete_all(
        self, *, all: bool = False, limit: int | None = None, once: str | None = None, **filters: Unpack[BulkFilters]
    ) -> Operation:
        """Delete every job of a filter that has ended."""
        return self._sender.fetch(Operation, post("/jobs/delete", _bulk(filters, all, limit), once))

    def count(
        self, action: Literal["cancel", "retry", "delete"], *, all: bool = False, **filters: Unpack[BulkFilters]
    ) -> Matches:
        """How many jobs of a filter an action would be about, up to 10,000."""
        body = {**_bulk(filters, all, None), "dry_run": True}
        return self._sender.fetch(Matches, post(f"/jobs/{action}", body))


def _bulk(filters: Mapping[str, Any], all: bool, limit: int | None) -> dict[str, Any]:
    chosen = {name: value for name, value in filters.items() if value is not None}
    return {"filter": chosen} | ({"all": True} if all else {}) | ({"limit": limit} if limit is not None else {})
