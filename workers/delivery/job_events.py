"""Turns claims, results and lost jobs into job events. Pure, except for `add_…`: they store the follow-ups
(`models/webhooks/notifications.py`) in the caller's transaction, and return what the caller gives to
`event_order.release_next_events` after the commit."""

import base64
import json
from collections.abc import Iterable, Sequence
from typing import Any

from models.jobs.job_kinds import EVENT
from models.jobs.lifecycle import ClaimedJob, LostJob
from models.rules.clock import MILLISECOND
from models.rules.redaction import redacted_pairs
from models.rules.times import format_instant
from models.webhooks import notifications
from models.webhooks.delivery_config import DeliveryConfig
from models.webhooks.event_types import ANSWERED, FAILED, FINISHED, REQUESTED, STARTED
from models.webhooks.notifications import TRIED, JobEvent, has_subscribers, wants_each_attempt
from workers.delivery.attempt_records import Result, hidden_by, shown_timings
from workers.delivery.config_cache import ConfigCache
from workers.delivery.judge import WORKER_LOST, Complete, Later, Retry, Verdict, given_up_for, reason_of
from workers.transport.outcome import Answered

REPORTED_ATTEMPTS = 20  # further ones have no events: a job of 100 attempts would make thousands for 20 endpoints
PHASES = ("dns_ms", "connect_ms", "tls_ms", "first_byte_ms", "total_ms")


def add_of_claims(claimed: Iterable[ClaimedJob], configs: ConfigCache, now: int) -> set[int]:
    """Store that the attempts of these jobs begin."""
    events = [event for job in claimed if takes_events(job, configs.of(job.account_id)) for event in of_claim(job)]
    return notifications.add(events, configs.of, now)


def add_of_results(ended: Sequence[tuple[Result, Verdict]], configs: ConfigCache, now: int) -> set[int]:
    """Store the results of these attempts. The end of an event releases the next one."""
    events = [
        event
        for result, verdict in ended
        if not isinstance(verdict, Later)  # its response or error comes with the acknowledgement
        and has_subscribers(result.job.kind, result.job.notify, configs.of(result.job.account_id))
        for event in of_result(result, verdict)
    ]
    return notifications.add(events, configs.of, now) | subjects_of_events([result.job for result, _ in ended])


def add_of_lost(rescued: Sequence[LostJob], discarded: Sequence[LostJob], configs: ConfigCache, now: int) -> set[int]:
    """Store that the worker of these attempts fell silent."""
    lost = [*rescued, *discarded]
    configs.refresh({job.account_id for job in lost})
    with_subscribers = [job for job in lost if has_subscribers(job.kind, job.notify, configs.of(job.account_id))]
    events = [event for job in with_subscribers for event in of_lost(job, job in discarded, now)]
    return notifications.add(events, configs.of, now) | subjects_of_events(lost)


def subjects_of_events(jobs: Iterable[ClaimedJob | LostJob]) -> set[int]:
    return {job.parent_id for job in jobs if job.kind == EVENT and job.parent_id}


def takes_events(job: ClaimedJob, config: DeliveryConfig) -> bool:
    """Whether anybody wants to know that the job begins. A callback tells of an end, never of a beginning."""
    if not has_subscribers(job.kind, job.notify, config):
        return False
    return bool(config.endpoints) or "webhook" in json.loads(job.notify or "{}")


def of_claim(job: ClaimedJob) -> list[JobEvent]:
    """That an attempt begins, and the job, if it is its first; the one a little later than the other."""
    if job.attempt > REPORTED_ATTEMPTS:
        return []
    began = JobEvent(job.id, REQUESTED, job.attempted_at + 1, {"attempt": job.attempt})
    return [began] if job.attempt > 1 else [JobEvent(job.id, STARTED, job.attempted_at, {}), began]


def of_result(result: Result, verdict: Verdict) -> list[JobEvent]:
    """That an answer or none came, and the end if it was one; each a little later than the one before."""
    job, outcome = result.job, result.outcome
    ended_at = max(result.finished_at, job.attempted_at + 2)  # after the events of the claim
    response = response_of(result, outcome) if isinstance(outcome, Answered) else None
    next_at = format_instant(verdict.next_at) if isinstance(verdict, Retry) else None
    if response:
        came = JobEvent(job.id, ANSWERED, ended_at, {"attempt": job.attempt, "response": response, "next_at": next_at})
    else:
        came = JobEvent(
            job.id, FAILED, ended_at, {"attempt": job.attempt, "error": reason_of(outcome), "next_at": next_at}
        )
    attempts = [came] if job.attempt <= REPORTED_ATTEMPTS else []
    error = None if isinstance(verdict, Complete | Later) else verdict.reason
    about = {"response": response, "error": error, "timings": timings_of(result)}
    if isinstance(verdict, Retry):
        tried = JobEvent(job.id, TRIED, ended_at + 1, {**about, "next_at": next_at})
        return [*attempts, tried] if wants_each_attempt(job.notify) else attempts
    return [*attempts, JobEvent(job.id, FINISHED, ended_at + 1, about)]


def of_lost(job: LostJob, given_up: bool, now: int) -> list[JobEvent]:
    next_at = None if given_up else format_instant(now)
    came = JobEvent(job.id, FAILED, now, {"attempt": job.attempt, "error": WORKER_LOST, "next_at": next_at})
    ended = JobEvent(job.id, FINISHED, now + 1, {"response": None, "error": given_up_for(job), "timings": None})
    attempts = [came] if job.attempt <= REPORTED_ATTEMPTS else []
    if given_up:
        return [*attempts, ended]
    about = {"response": None, "error": WORKER_LOST, "timings": None, "next_at": next_at}
    return [*attempts, JobEvent(job.id, TRIED, now + 1, about)] if wants_each_attempt(job.notify) else attempts


def response_of(result: Result, outcome: Answered) -> dict[str, Any]:
    """The response as subscribers get it: its body as text where it is UTF-8, else in base64."""
    try:
        body, encoding = outcome.text(), "text"
    except UnicodeDecodeError:
        body, encoding = base64.b64encode(outcome.body).decode(), "base64"
    return {
        "status": outcome.status_code,
        "headers": redacted_pairs(outcome.headers, hidden_by(result.job)),
        "body": body,
        "encoding": encoding,
        "truncated": outcome.truncated,
        "unreadable": outcome.unreadable,
    }


def timings_of(result: Result) -> dict[str, Any]:
    """When the attempt began and ended, and how long each phase took, in milliseconds."""
    job, phases = result.job, shown_timings(result.outcome)
    return {
        "started_at": format_instant(job.attempted_at),
        "finished_at": format_instant(result.finished_at),
        "lateness_ms": (job.attempted_at - job.scheduled_at) / MILLISECOND,
        **{name: getattr(phases, name) for name in PHASES},
    }
