"""Owns the page of one job: its request, its attempts on a timeline, what was asked and answered, and why it waits."""

import json
from typing import Any

from flask import Response, make_response, render_template

from api.dashboard import charts
from api.dashboard.blueprint import back_to, gone, pages, visitor
from api.dashboard.curl import curl
from api.requests.ids import job_key
from api.responses.responses import ApiError
from models.database.paging import NEWEST_FIRST, PageRequest
from models.jobs import job_store, log_entries, replays
from models.jobs.job_store import JobRow
from models.jobs.job_tables import REQUEST
from models.jobs.log_entries import LogFilter
from models.jobs.states import FINAL
from models.operations import cancelling, explain
from models.rules import clock
from models.webhooks.channels import CHANNEL

ENTRIES = 100
RELATED = 50
COMMAND_SHOWN = 4000
SELDOM_S = 10
EXECUTING = "executing"


@pages.get("/jobs/<key>")
def show_job(key: str) -> str:
    job, now = found(key), clock.now()
    account_id = visitor().account_id
    attempts = job_store.attempts_of(account_id, job.id) or []
    entries = log_entries.listed(account_id, LogFilter(job=job.id), PageRequest(NEWEST_FIRST, ENTRIES)).rows
    facts = explain.facts_of(account_id, job.id, now)
    args, bars = json.loads(job.args), charts.timeline(attempts)
    return render_template(
        "job.html",
        job=job,
        args=args,
        body=None if job.body is None else job.body.decode("utf-8", "replace"),
        final=job.state in FINAL,
        look_every_s=look_every_s(job, now),
        attempts=list(reversed(attempts)),
        bars=bars,
        kinds={bar.kind for row in bars.values() for bar in row},
        words=charts.WORDS,
        width=charts.WIDTH,
        told=by_attempt(entries),
        cut=len(entries) == ENTRIES,
        others=[entry for entry in entries if not entry.event.startswith("worker.http.")],
        related=job_store.related_to(account_id, job.id, RELATED, 0) or [],
        reasons=explain.explain(facts, now) if facts else [],
        curl=command_of(job),
        most=COMMAND_SHOWN,
        now=now,
    )


@pages.get("/jobs/<key>/curl")
def show_command(key: str) -> Response:
    """The whole curl command; the page shows the beginning of a long one."""
    command = command_of(found(key))
    if command is None:
        raise gone()
    response = make_response(command)
    response.mimetype = "text/plain"
    return response


@pages.post("/jobs/<key>/cancel")
def cancel_job(key: str) -> Response:
    job = found(key)
    cancelling.cancel(visitor().account_id, job.id, clock.now())
    return back_to("show_job", "final" if job.state in FINAL else "cancelled", key=job.uuid)


@pages.post("/jobs/<key>/again")
def order_again(key: str) -> Response:
    """A new job with the same request, due now; its page comes next."""
    job = found(key)
    if job.kind != REQUEST:
        raise ApiError(422, "Only requests can be ordered again; what tells of a job comes with it.")
    (made,) = replays.replay(visitor().account_id, [job.id], clock.now())
    return back_to("show_job", "again", key=made.uuid)


def command_of(job: JobRow) -> str | None:
    """The order as a curl command; None for a message to a channel, whose URL is a secret."""
    return None if job.kind == CHANNEL else curl(json.loads(job.args), job.body, job.content_type)


def look_every_s(job: JobRow, now: int) -> int:
    """How soon an open page of the job asks for its newer part: at once when it runs, seldom while nothing is due."""
    return 1 if job.state == EXECUTING else min(max((job.scheduled_at - now) // clock.SECOND, 1), SELDOM_S)


def found(key: str) -> JobRow:
    """The visitor's job of this integer or UUID, or 404."""
    known = job_key(key)
    job = None if known is None else job_store.find(visitor().account_id, known)
    if job is None:
        raise gone()
    return job


def by_attempt(entries: list[log_entries.LogEntryRow]) -> dict[int, dict[str, Any]]:
    """For each attempt's number what was asked (`request`) and what came (`response`, `error`)."""
    told: dict[int, dict[str, Any]] = {}
    for entry in entries:
        kind = entry.event.removeprefix("worker.http.")
        if kind != entry.event:
            payload = json.loads(entry.payload)
            told.setdefault(payload.get("attempt") or 0, {})[kind] = payload
    return told
