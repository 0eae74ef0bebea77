"""`client.schedules`: what makes jobs again and again."""

from __future__ import annotations

import builtins
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Unpack
from uuid import UUID

from booper_client._sync.sender import Sender
from booper_client.decoding import decode
from booper_client.errors import ApiError, refusal
from booper_client.fields import Moment, ScheduleChanges, ScheduleFields, Span
from booper_client.models.jobs import Job
from booper_client.models.schedules import Badge, Preview, Run, Schedule, Verdict
from booper_client.requests_out import Request, part, post

ScheduleId = str | UUID | Schedule


class Schedules:
    """`schedule` is a schedule, its UUID or its key."""

    def __init__(self, sender: Sender) -> None:
        self._sender = sender

    def create(
        self,
        url: str | None = None,
        *,
        group: str | None = None,
        once: str | None = None,
        **fields: Unpack[ScheduleFields],
    ) -> Schedule:
        """Make a schedule of a URL, or of a group of targets. `put` is the better choice where you have a key of your
        own."""
        target = {name: value for name, value in (("url", url), ("group", group)) if value is not None}
        return self._sender.fetch(Schedule, post("/schedules", {**fields, **target}, once))

    def put(self, key: str, **fields: Unpack[ScheduleChanges]) -> Schedule:
        """Make the schedule of this key, or change it to exactly these fields. The same fields change nothing."""
        return self._sender.fetch(Schedule, Request("PUT", f"/schedules/{part(key)}", body=dict(fields)))

    def check(self, schedules: Sequence[Mapping[str, Any]]) -> builtins.list[Verdict | ApiError]:
        """What `put` would do with up to 1,000 schedules, each with its `key`; or the error. Changes nothing."""
        items = self._sender.data(post("/schedules/check", {"schedules": schedules}))
        return [decode(Verdict, item) if "error" not in item else refusal(item) for item in items]

    def get(self, schedule: ScheduleId, *, expand: str | None = None) -> Schedule:
        """`expand`: `health`, for how it is doing."""
        return self._sender.fetch(Schedule, Request("GET", f"/schedules/{part(schedule)}", {"expand": expand}))

    def list(self, *, order_by: str | None = None, expand: str | None = None) -> Iterator[Schedule]:
        """Every schedule, page by page; the oldest first, so that none is lost between two pages."""
        parameters = {"order_by": order_by or "inserted_at,asc", "expand": expand}
        return self._sender.every_by_offset(Schedule, "/schedules", parameters)

    def change(self, schedule: ScheduleId, **fields: Unpack[ScheduleChanges]) -> Schedule:
        """Change fields; None removes one."""
        return self._sender.fetch(Schedule, Request("PATCH", f"/schedules/{part(schedule)}", body=dict(fields)))

    def delete(self, schedule: ScheduleId) -> None:
        """Delete it and cancel its waiting jobs."""
        self._sender.send(Request("DELETE", f"/schedules/{part(schedule)}"))

    def enable(self, schedule: ScheduleId) -> Schedule:
        return self._sender.fetch(Schedule, post(f"/schedules/{part(schedule)}/enable"))

    def disable(self, schedule: ScheduleId) -> Schedule:
        return self._sender.fetch(Schedule, post(f"/schedules/{part(schedule)}/disable"))

    def run(self, schedule: ScheduleId, *, once: str | None = None) -> Job:
        """One more of its jobs, at once."""
        return self._sender.fetch(Job, post(f"/schedules/{part(schedule)}/run", once=once))

    def badge(self, schedule: ScheduleId) -> Badge:
        """How it is doing, and the addresses at which others may see that without a key."""
        return self._sender.fetch(Badge, Request("GET", f"/schedules/{part(schedule)}/badge"))

    def runs(self, schedule: ScheduleId, *, status: str | None = None, order_by: str | None = None) -> Iterator[Run]:
        """What came of each of its instants, the latest first."""
        parameters = {"status": status, "order_by": order_by}
        return self._sender.every_by_offset(Run, f"/schedules/{part(schedule)}/runs", parameters)

    def preview(
        self,
        *,
        cron: str | None = None,
        timezone: str | None = None,
        repeat_every: Span | None = None,
        starts_at: Moment | None = None,
        until: Moment | None = None,
        exclude: str | None = None,
        calendars: str | None = None,
        after: Moment | None = None,
        count: int | None = None,
    ) -> Preview:
        """The instants after `after` (default now), without making anything. `exclude`, `calendars`: days, and names of
        calendars, with commas between."""
        parameters: dict[str, Any] = {
            **{"cron": cron, "timezone": timezone, "repeat_every": repeat_every},
            **{"starts_at": starts_at, "until": until, "exclude": exclude, "calendars": calendars},
            **{"from": after, "count": count},
        }
        return self._sender.fetch(Preview, Request("GET", "/schedules/preview", parameters))
