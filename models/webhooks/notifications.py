"""Turns events of jobs into callbacks and events, which are jobs of their own kinds.

They are stored in the transaction in which the event happened: so none is lost and none is made twice. `notify` of a
job is JSON: `callback`, `failure_callback`, `webhook`, each a URL, and `callback_on`, if the callback comes after each
attempt. Nobody is notified of follow-ups and of messages to a channel.

A receiver gets the job as the API shows it, without secret-looking headers and without a long body.
"""

import json
import logging
from collections.abc import Callable, Collection, Iterable, Sequence
from functools import cache
from typing import Any, NamedTuple

from models.database.sql import any_of, fetch
from models.database.transactions import after_commit
from models.jobs import job_json, job_store
from models.jobs.job_kinds import CALLBACK, REQUEST
from models.jobs.job_store import JobRow, NewJob
from models.rules.redaction import BODY, hidden_names, redacted
from models.webhooks import delivery_config, event_order, follow_ups
from models.webhooks.delivery_config import NONE, DeliveryConfig
from models.webhooks.event_types import CANCELLED, FINISHED

log = logging.getLogger("booper.followups")
TRIED = "job.tried"  # an attempt failed and another follows: only a callback after each attempt tells of it
AFTER_EACH = "attempt"  # of `callback_on`
MAX_BODY_BYTES = 16 * 1024  # of the job's own body in a callback or an event
NO_RESPONSE = {"response": None, "error": "cancelled", "timings": None}  # of a cancelled job
COLUMNS = ", ".join(f"job.{name}" for name in JobRow._fields)


Address = tuple[int, int | str]  # a job's id, and the endpoint's id or the request to the job's own URL


class JobEvent(NamedTuple):
    """Something that happened to a job. `about`: what a receiver gets besides the job; for FINISHED and CANCELLED
    `response`, `error` and `timings`, for TRIED `next_at` too."""

    job_id: int
    type: str
    at: int
    about: dict[str, Any]


class Subject(NamedTuple):
    """A job to which something happened."""

    row: JobRow
    account_id: int
    user_id: str
    hops: int
    attempt: int
    notify: dict[str, str]
    redact: str | None


def has_subscribers(kind: str, notify: str | None, config: DeliveryConfig) -> bool:
    """Whether the job may have subscribers; cheap, since it is called for every job."""
    return kind == REQUEST and (notify is not None or bool(config.endpoints))


def wants_each_attempt(notify: str | None) -> bool:
    """Whether the job's callback comes after each attempt; cheap, since it is called for every failure."""
    return notify is not None and '"callback_on"' in notify


def add(events: Sequence[JobEvent], config_of: Callable[[int], DeliveryConfig], now: int) -> set[int]:
    """Store the follow-ups of these events, joining the caller's transaction, which has written what happened.

    Returns the ids of jobs whose events wait for one another: the caller gives them to
    `event_order.release_next_events` after the commit.
    """
    if not events:
        return set()
    subjects = _subjects({event.job_id for event in events})
    untried = {(parent_id, address): uuid for parent_id, address, uuid in event_order.untried_events(subjects)}
    follow_ups: list[NewJob] = []
    for event in events:
        subject = subjects.get(event.job_id)
        if subject and _happened(event, subject):
            follow_ups += _follow_ups(subject, event, config_of(subject.account_id), untried, now)
    job_store.create_many(follow_ups, now)
    return {job.parent_id for job in follow_ups if job.after_uuid and job.parent_id}


def notify_cancelled(job_ids: Collection[int], now: int) -> None:
    """Store the follow-ups of cancelled jobs, joining the transaction that cancelled them, and release events after
    it."""
    config_of = cache(lambda account_id: delivery_config.of_accounts([account_id]).get(account_id, NONE))
    waiting = add([JobEvent(job_id, CANCELLED, now, NO_RESPONSE) for job_id in job_ids], config_of, now)
    if waiting:
        after_commit(lambda: event_order.release_next_events(waiting))


def _subjects(job_ids: Collection[int]) -> dict[int, Subject]:
    of_these, ids = any_of("job.id", list(job_ids))
    rows = fetch(
        f"SELECT {COLUMNS}, job.account_id, account.uuid, job.hops, job.attempt, job.notify, job.redact "
        f"FROM job JOIN account ON account.id = job.account_id WHERE {of_these} AND job.kind = '{REQUEST}'",
        (ids,),
    )
    return {row[0]: _subject(row) for row in rows}


def _subject(row: Sequence[Any]) -> Subject:
    account_id, user_id, hops, attempt, notify, redact = row[len(JobRow._fields) :]
    shown = job_store.shown_row(row[: len(JobRow._fields)])
    return Subject(shown, account_id, str(user_id), hops, attempt, json.loads(notify) if notify else {}, redact)


def _happened(event: JobEvent, subject: Subject) -> bool:
    """A job cancelled while running has its attempt recorded, but the cancellation ended it, not the attempt."""
    return event.type != FINISHED or subject.row.state in ("completed", "discarded")


def _follow_ups(
    subject: Subject, event: JobEvent, config: DeliveryConfig, untried: dict[Address, str], now: int
) -> list[NewJob]:
    """The jobs that carry this event; none if it can't be written. An error must not stop the jobs that are claimed or
    recorded together with the subject: it would stop them again at every try."""
    try:
        return [*_callbacks(subject, event, now), *_events(subject, event, config, untried, now)]
    except Exception:
        log.exception("nobody is notified of %s of job %d", event.type, event.job_id)
        return []


def _callbacks(subject: Subject, event: JobEvent, now: int) -> list[NewJob]:
    if event.type not in (FINISHED, CANCELLED, TRIED):
        return []
    urls = [subject.notify.get("callback")]
    if subject.row.state == "discarded":
        urls.append(subject.notify.get("failure_callback"))
    if not any(urls):
        return []
    of_each = {"next_at": None} if "callback_on" in subject.notify else {}
    body = _payload(subject, {"attempts": subject.attempt} | of_each | event.about)
    made = [
        follow_ups.follow_up(subject.account_id, subject.hops, CALLBACK, url, body, now)
        for url in dict.fromkeys(filter(None, urls))
    ]
    return [_of(subject, job) for job in made]


def _events(
    subject: Subject, event: JobEvent, config: DeliveryConfig, untried: dict[Address, str], now: int
) -> Iterable[NewJob]:
    """One event for each address. It waits for the event before it to the same address, if that is untried."""
    if event.type == TRIED:
        return
    own_url = subject.notify.get("webhook")
    urls: dict[str, int | None] = config.subscribers_of(event.type) | ({own_url: None} if own_url else {})
    if not urls:
        return
    about = event.about
    if event.type in (FINISHED, CANCELLED):
        about = {"attempts": subject.attempt, "error": about["error"]}
    data = _payload(subject, about)
    for url, endpoint_id in urls.items():
        job = _of(subject, follow_ups.event(subject.account_id, subject.hops, event.type, event.at, data, url, now))
        address = subject.row.id, endpoint_id or job.args
        earlier = untried.get(address)
        untried[address] = str(job.uuid)
        held_until = now + event_order.HELD_US if earlier else None
        yield job._replace(after_uuid=earlier, held_until=held_until, endpoint_id=endpoint_id)


def _of(subject: Subject, job: NewJob) -> NewJob:
    """The follow-up as one of this job. A body that the log must not show stays hidden in the logs of the follow-ups,
    which contain it."""
    hidden = job_json.compact([BODY]) if BODY in hidden_names(subject.redact) else None
    return job._replace(parent_id=subject.row.id, redact=hidden)


def _payload(subject: Subject, about: dict[str, Any]) -> str:
    members = {name: job_json.compact(value) for name, value in about.items()}
    return job_json.with_members("{}", {"job": _job_payload(subject)} | members)


def _job_payload(subject: Subject) -> str:
    """The job as the API shows it, without secret-looking headers and without a long body."""
    row, too_long = subject.row, len(subject.row.body or b"") > MAX_BODY_BYTES
    if '"headers"' in row.args:
        args = json.loads(row.args)
        if isinstance(args.get("headers"), dict):
            texts = {name: str(value) for name, value in args["headers"].items()}
            args["headers"] = redacted(texts, hidden_names(subject.redact))
        row = row._replace(args=job_json.compact(args))
    if too_long:
        row = row._replace(body=None, args=job_json.with_member(row.args, "body_left_out", "true"))
    return job_json.job(row, subject.user_id)
