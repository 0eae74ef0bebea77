"""Owns what is told of a job to others than the API's callers: callbacks and events, which are jobs of their own kinds.

From news (something that happened to a job) to the jobs that carry it, stored in the transaction in which it happened:
so none is lost and none is made twice. `notify` of a job is JSON: `callback`, `failure_callback`, `webhook`, each a
URL. Jobs that are follow-ups or messages to a channel are told of to nobody.

What a receiver gets is the job as the API shows it, but for secret-looking headers and a long body.
"""

import json
import logging
from collections.abc import Callable, Collection, Iterable, Sequence
from functools import cache
from typing import Any, NamedTuple

from models.database.ids import new_id
from models.database.sql import any_of, fetch
from models.database.transactions import after_commit
from models.jobs import job_json, job_store
from models.jobs.job_store import JobRow, NewJob
from models.jobs.job_tables import REQUEST
from models.rules.redaction import BODY, hidden_names, redacted
from models.rules.times import format_instant
from models.rules.url_rules import split_url
from models.webhooks import delivery_config, event_order
from models.webhooks.delivery_config import NONE, DeliveryConfig

log = logging.getLogger("booper.followups")
STARTED, REQUESTED, ANSWERED = "job.started", "job.request", "job.response"
FAILED, FINISHED, CANCELLED = "job.error", "job.finished", "job.cancelled"
EVENTS = (STARTED, REQUESTED, ANSWERED, FAILED, FINISHED, CANCELLED)
CALLBACK, EVENT = "callback", "event"
LONGEST_BODY_BYTES = 16 * 1024  # of the job's own body in a callback or an event
NO_RESPONSE = {"response": None, "error": "cancelled", "timings": None}  # of a job cancelled
COLUMNS = ", ".join(f"job.{name}" for name in JobRow._fields)


class JobEvent(NamedTuple):
    """Something that happened to a job. `about`: what is told beside the job; of one that is final (FINISHED,
    CANCELLED) `response`, `error` and `timings`."""

    job_id: int
    type: str
    at: int
    about: dict[str, Any]


class Subject(NamedTuple):
    """A job that is told of."""

    row: JobRow
    account_id: int
    user_id: str
    hops: int
    attempt: int
    notify: dict[str, str]
    redact: str | None


def with_subscribers(kind: str, notify: str | None, theirs: DeliveryConfig) -> bool:
    """Whether anybody may want to know of the job; cheap, since it is asked for every job."""
    return kind == REQUEST and (notify is not None or bool(theirs.endpoints))


def add(news: Sequence[JobEvent], outgoing_of: Callable[[int], DeliveryConfig], now: int) -> set[int]:
    """Store what tells of the news, joining the caller's transaction, which has written what is told.

    Returns the ids of jobs whose events wait for one another: to be given to `succession.let_go` after the commit.
    """
    if not news:
        return set()
    parents = _subjects({each.job_id for each in news})
    waits = {(parent_id, args): uuid for parent_id, args, uuid in event_order.untried_events(parents)}
    made: list[NewJob] = []
    for each in news:
        parent = parents.get(each.job_id)
        if parent and _happened(each, parent):
            made += _follow_ups(parent, each, outgoing_of(parent.account_id), waits, now)
    job_store.create_many(made, now)
    return {job.parent_id for job in made if job.after_uuid and job.parent_id}


def notify_cancelled(job_ids: Collection[int], now: int) -> None:
    """Store what tells of cancelled jobs, joining the transaction that cancelled them; what must be looked at after it,
    is."""
    outgoing_of = cache(lambda account_id: delivery_config.of_accounts([account_id]).get(account_id, NONE))
    held = add([JobEvent(job_id, CANCELLED, now, NO_RESPONSE) for job_id in job_ids], outgoing_of, now)
    if held:
        after_commit(lambda: event_order.release_next_events(held))


def _subjects(job_ids: Collection[int]) -> dict[int, Subject]:
    these, given = any_of("job.id", list(job_ids))
    rows = fetch(
        f"SELECT {COLUMNS}, job.account_id, account.uuid, job.hops, job.attempt, job.notify, job.redact "
        f"FROM job JOIN account ON account.id = job.account_id WHERE {these} AND job.kind = '{REQUEST}'",
        (given,),
    )
    return {row[0]: _subject(row) for row in rows}


def _subject(row: Sequence[Any]) -> Subject:
    account_id, user_id, hops, attempt, notify, redact = row[len(JobRow._fields) :]
    shown = job_store.shown_row(row[: len(JobRow._fields)])
    return Subject(shown, account_id, str(user_id), hops, attempt, json.loads(notify) if notify else {}, redact)


def _happened(news: JobEvent, parent: Subject) -> bool:
    """A job cancelled under way has its attempt recorded, but it was the cancel that ended it."""
    return news.type != FINISHED or parent.row.state in ("completed", "discarded")


def _follow_ups(
    parent: Subject, news: JobEvent, theirs: DeliveryConfig, waits: dict[tuple[int, str], str], now: int
) -> list[NewJob]:
    """What carries this news. Of one that can't be told nobody hears: it must not stop the jobs that are claimed or
    recorded together with it, which would be so again at every try."""
    try:
        return [*_callbacks(parent, news, now), *_events(parent, news, theirs, waits, now)]
    except Exception:
        log.exception("%s of job %d is told to nobody", news.type, news.job_id)
        return []


def _callbacks(parent: Subject, news: JobEvent, now: int) -> list[NewJob]:
    if news.type not in (FINISHED, CANCELLED):
        return []
    urls = [parent.notify.get("callback")]
    if parent.row.state == "discarded":
        urls.append(parent.notify.get("failure_callback"))
    body = _payload(parent, {"attempts": parent.attempt} | news.about)
    return [_follow_up(parent, CALLBACK, url, body, now) for url in dict.fromkeys(filter(None, urls))]


def _events(
    parent: Subject, news: JobEvent, theirs: DeliveryConfig, waits: dict[tuple[int, str], str], now: int
) -> Iterable[NewJob]:
    """One event for each address, waiting for the one before to the same address, if that is untried."""
    urls = [parent.notify.get("webhook"), *theirs.takers_of(news.type)]
    wanted = dict.fromkeys(filter(None, urls))
    if not wanted:
        return
    about = news.about
    if news.type in (FINISHED, CANCELLED):
        about = {"attempts": parent.attempt, "error": about["error"]}
    data = _payload(parent, about)
    for url in wanted:
        event_id = new_id()
        told = job_json.compact({"id": event_id, "type": news.type, "timestamp": format_instant(news.at)})
        event = _follow_up(parent, EVENT, url, job_json.with_members(told, {"data": data}), now)
        earlier = waits.get((parent.row.id, event.args))
        waits[parent.row.id, event.args] = event_id
        held_until = now + event_order.HELD_US if earlier else None
        yield event._replace(uuid=event_id, after_uuid=earlier, held_until=held_until)


def _follow_up(parent: Subject, kind: str, url: str, body: str, now: int) -> NewJob:
    return NewJob(
        account_id=parent.account_id,
        args=job_json.compact({"method": "post", "url": url}),
        body=body.encode(),
        content_type=job_json.JSON_TYPE,
        scheduled_at=now,
        host=split_url(url).host,
        hops=parent.hops + 1,
        kind=kind,
        parent_id=parent.row.id,
        # What the log shall not show of the job, it shall not show of what tells of it.
        redact=job_json.compact([BODY]) if BODY in hidden_names(parent.redact) else None,
    )


def _payload(parent: Subject, about: dict[str, Any]) -> str:
    members = {name: job_json.compact(value) for name, value in about.items()}
    return job_json.with_members("{}", {"job": _job_payload(parent)} | members)


def _job_payload(parent: Subject) -> str:
    """The job as the API shows it, without secret-looking headers; a long body is left out."""
    row, too_long = parent.row, len(parent.row.body or b"") > LONGEST_BODY_BYTES
    if '"headers"' in row.args:
        sent = json.loads(row.args)
        if isinstance(sent.get("headers"), dict):
            sent["headers"] = redacted(sent["headers"].items(), hidden_names(parent.redact))
        row = row._replace(args=job_json.compact(sent))
    if too_long:
        row = row._replace(body=None, args=job_json.with_member(row.args, "body_left_out", "true"))
    return job_json.job(row, parent.user_id)
