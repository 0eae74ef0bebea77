"""Serves the page of one job: why it waits, its attempts on a timeline with request and response, its request."""

import json
from typing import Any
from urllib.parse import urlsplit

from flask import Response, make_response, render_template, request, url_for

from api.dashboard import attempt_bars
from api.dashboard.blueprint import pages, redirect_to, visitor
from api.dashboard.charts import WIDTH
from api.dashboard.curl import curl
from api.dashboard.errors import page_not_found
from api.dashboard.filters import body_text
from api.dashboard.labels import PHASES, WHY_TITLES
from api.dashboard.retry_ladder import Dot, ladder
from api.requests.ids import job_key
from api.responses.responses import ApiError
from models.database.paging import NEWEST_FIRST, PageRequest
from models.jobs import job_store, log_entries, replays
from models.jobs.job_kinds import ALERT, CHANNEL, GROUP, REQUEST
from models.jobs.job_store import JobRow
from models.jobs.log_entries import LogFilter
from models.jobs.records import AttemptRow
from models.jobs.states import FINAL
from models.operations import cancelling, changing, explain, retry_plan
from models.rules import clock
from models.rules.listener_urls import is_listener_url, split_listener_url
from models.schedules import schedule_store

MAX_ENTRIES = 100
MAX_RELATED = 50
MAX_COMMAND_CHARS = 4000  # of a curl command on the page
MAX_REFRESH_S = 10
EXECUTING = "executing"
# Reasons for which nobody has to do anything.
EXPECTED = {"not_due", "waits_for_retry", "on_its_way", "lease_held", "waits_for_ack", "waits_for_listener"}


@pages.get("/jobs/<key>")
def show_job(key: str) -> str:
    job, now, account_id = find_job(key), clock.now(), visitor().account_id
    attempts = job_store.attempts_of(account_id, job.id) or []
    entries = log_entries.listed(account_id, LogFilter(job=job.id), PageRequest(NEWEST_FIRST, MAX_ENTRIES)).rows
    facts = explain.facts_of(account_id, job.id, now)
    reasons = explain.explain(facts, now) if facts else []
    return render_template(
        "job.html",
        job=job,
        args=json.loads(job.args),
        body=body_text(job),
        final=job.state in FINAL,
        refresh_s=refresh_s(job, now),
        attempts=list(reversed(attempts)),
        exchanges=exchanges_of(entries),
        entries_cut=len(entries) == MAX_ENTRIES,
        other_entries=[entry for entry in entries if not entry.event.startswith("worker.http.")],
        related=job_store.related_to(account_id, job.id, MAX_RELATED, 0) or [],
        max_attempts=facts.max_attempts if facts else None,
        reasons=reasons,
        is_calm={reason.code for reason in reasons} <= EXPECTED,
        why_titles=WHY_TITLES,
        links=replays.links_of(account_id, [job.id]).get(job.id, replays.Links()),
        listener=listener_of(job),
        curl=curl_of(job),
        max_curl=MAX_COMMAND_CHARS,
        dots=ladder_of(account_id, job, attempts),
        before=list_before(),
        is_movable=job.kind == REQUEST and job.state == "scheduled" and job.schedule_id is None,
        is_retrying=job.state == "retryable" and job.scheduled_at > now,
        schedule=schedule_store.find(account_id, job.schedule_id) if job.schedule_id else None,
        bars=attempt_bars.bars_of(attempts),
        phases=PHASES,
        width=WIDTH,
    )


@pages.get("/jobs/<key>/curl")
def show_curl(key: str) -> Response:
    """The whole curl command; the page shows the beginning of a long one."""
    command = curl_of(find_job(key))
    if command is None:
        raise page_not_found()
    response = make_response(command)
    response.mimetype = "text/plain"
    return response


@pages.post("/jobs/<key>/cancel")
def cancel_job(key: str) -> Response:
    job = find_job(key)
    after = cancelling.cancel(visitor().account_id, job.id, clock.now())
    is_cancelled = job.state not in FINAL and after is not None and after.state == "cancelled"
    return redirect_to("show_job", "cancelled" if is_cancelled else "final", key=job.uuid)


@pages.post("/jobs/<key>/again")
def replay_job(key: str) -> Response:
    """Create a job with the same request, due now, and show it."""
    job = find_job(key)
    if job.kind != REQUEST:
        raise ApiError(422, "Only jobs of the kind request can be run again. A callback or event comes with its job.")
    (replayed,) = replays.replay(visitor().account_id, [job.id], clock.now())
    return redirect_to("show_job", "again", key=replayed.uuid)


@pages.post("/jobs/<key>/now")
def run_job_now(key: str) -> Response:
    """Move the job to now: it is sent once, and not again at its time."""
    job = find_job(key)
    try:
        changing.run_now(visitor().account_id, job.id, clock.now())
    except changing.NotChangeable as error:
        raise ApiError(422, str(error)) from None
    return redirect_to("show_job", "now", key=job.uuid)


def list_before() -> str:
    """The query of the list of jobs from which the visitor came; "" from elsewhere."""
    came_from = urlsplit(request.referrer or "")
    is_list = came_from.netloc == request.host and came_from.path == url_for("pages.list_jobs")
    return f"?{came_from.query}" if is_list and came_from.query else ""


def ladder_of(account_id: int, job: JobRow, attempts: list[AttemptRow]) -> list[Dot]:
    policy = retry_plan.policy_of(account_id, job.id)
    return ladder(attempts, retry_plan.coming(policy)) if policy else []


def find_job(key: str) -> JobRow:
    """The visitor's job with this integer or UUID, or 404."""
    known_key = job_key(key)
    job = None if known_key is None else job_store.find(visitor().account_id, known_key)
    if job is None:
        raise page_not_found()
    return job


def curl_of(job: JobRow) -> str | None:
    """The request as a curl command; None for a message to a channel, whose URL is a secret, for a job that sends
    none, and for one that only its listener can reach."""
    if job.kind in (ALERT, CHANNEL, GROUP) or listener_of(job):
        return None
    return curl(json.loads(job.args), job.body, job.content_type)


def listener_of(job: JobRow) -> str | None:
    """The name of the listener that the job is for; None: it has another target."""
    url = json.loads(job.args).get("url")
    return split_listener_url(url)[0] if is_listener_url(url) else None


def refresh_s(job: JobRow, now: int) -> int:
    """After how many seconds an open page refreshes: 1 while the job executes, more while it is not due."""
    return 1 if job.state == EXECUTING else min(max((job.scheduled_at - now) // clock.SECOND, 1), MAX_REFRESH_S)


def exchanges_of(entries: list[log_entries.LogEntryRow]) -> dict[int, dict[str, Any]]:
    """For each attempt's number the log's `request`, and its `response` or `error`."""
    exchanges: dict[int, dict[str, Any]] = {}
    for entry in entries:
        kind = entry.event.removeprefix("worker.http.")
        if kind != entry.event:
            payload = json.loads(entry.payload)
            exchanges.setdefault(payload.get("attempt") or 0, {})[kind] = payload
    return exchanges
