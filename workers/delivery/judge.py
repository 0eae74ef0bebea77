"""Judges an attempt: from its outcome, its number, the job's policies and now to a verdict, such as Retry. Pure.

It also words the reasons, those of attempts whose worker fell silent among them, which the rescuer ends.
"""

import json
from dataclasses import dataclass
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import Any

from models.jobs.lifecycle import ClaimedJob, LostJob
from models.rules import statuses
from models.rules.backoff import delay_us
from models.rules.clock import DAY, HOUR, MINUTE, SECOND
from workers.transport.outcome import Answered, Outcome, Refused, Unreachable

BUSY = (429, 503)  # asked for by these, a rest is the whole host's
LONGEST_REST_US = HOUR
LONGEST_RETRY_AFTER_US = DAY
SHORTEST_SPREAD_US, LONGEST_SPREAD_US = SECOND, 5 * MINUTE
STOP_HEADER, STOP_VALUE = "webhook-delivery", "abort-message"
NOT_RETRYABLE, NOT_RETRYABLE_HEADER = 489, "upstash-nonretryable-error"
ACCEPTED, COMPLETE_HEADER, COMPLETE_LATER = 202, "booper-complete", "later"
UNEXPECTED_BODY = "unexpected_body"
NOT_REACHABLE = "not_reachable"
WORKER_LOST = "worker_lost"
CRASHED = "crashed"  # its workers fell silent too often
# One reason for all that could show a stranger what is in the operator's network. Public targets have a cause.
REASONS = {"dns": NOT_REACHABLE, "connect": NOT_REACHABLE, "tls": NOT_REACHABLE}


@dataclass(frozen=True, slots=True)
class Complete:
    pass


@dataclass(frozen=True, slots=True)
class Retry:
    next_at: int
    reason: str


@dataclass(frozen=True, slots=True)
class Discard:
    reason: str


@dataclass(frozen=True, slots=True)
class Stopped:
    """The job was cancelled during the attempt, which did not succeed: nothing follows from it. `reason`: why it
    failed; None: its target took the request and was to acknowledge."""

    reason: str | None


@dataclass(frozen=True, slots=True)
class Later:
    """The target took the request and is to acknowledge, until an instant at the latest, how it ended."""

    until: int


Verdict = Complete | Retry | Discard | Stopped | Later


def judge(
    outcome: Outcome,
    job: ClaimedJob,
    now: int,
    random_fraction: float,
    longest_us: int = LONGEST_RETRY_AFTER_US,
) -> Verdict:
    """The verdict on the latest attempt of a job. `random_fraction`: from 0 to 1; it spreads retries. `longest_us`: for
    how long a target may put a job off."""
    if job.ack_within_us is not None and is_to_be_acknowledged(outcome):
        return Later(now + job.ack_within_us)
    if is_success(outcome, job):
        return Complete()
    reason = failure_of(outcome, job)
    if isinstance(outcome, Refused) or ends_job(outcome, job):
        return Discard(reason)
    return verdict_on_failure(job, reason, now, random_fraction, retry_after_us(outcome, now, longest_us))


def verdict_on_failure(
    job: ClaimedJob, reason: str, now: int, random_fraction: float, asked_us: int = 0
) -> Retry | Discard:
    """Whether and when a job is tried again whose attempt failed. `asked_us`: the delay that its target asks for."""
    if job.attempt >= job.max_attempts:
        return Discard(reason)
    wait_us = delay_us(json.loads(job.backoff) if job.backoff else None, job.attempt, random_fraction)
    next_at = now + max(wait_us, asked_us)
    if job.retry_until is not None and next_at > job.retry_until:
        return Discard("max_age")
    later_at = next_at + (int(spread_us(asked_us) * random_fraction) if asked_us >= wait_us else 0)
    return Retry(later_at if job.retry_until is None else min(later_at, job.retry_until), reason)


def is_to_be_acknowledged(outcome: Outcome) -> bool:
    """Whether the target took the request and will say later how it ended."""
    if not isinstance(outcome, Answered) or outcome.status_code != ACCEPTED:
        return False
    return header(outcome, COMPLETE_HEADER).lower() == COMPLETE_LATER


def is_success(outcome: Outcome, job: ClaimedJob) -> bool:
    """Whether the answer is what the job's owner counts as success: any 2xx, if nothing else was ordered."""
    if not isinstance(outcome, Answered):
        return False
    if job.judging is None:
        return 200 <= outcome.status_code <= 299
    return has_expected_status(outcome, job) and _success(job).get("body", "").encode() in outcome.body


def has_expected_status(outcome: Answered, job: ClaimedJob) -> bool:
    return statuses.covers(_success(job).get("status", statuses.SUCCESS), outcome.status_code)


def failure_of(outcome: Outcome, job: ClaimedJob) -> str:
    """Why an attempt of this job failed, as its owner may see it."""
    lacks_text = job.judging is not None and isinstance(outcome, Answered) and has_expected_status(outcome, job)
    return UNEXPECTED_BODY if lacks_text else reason_of(outcome)


def reason_of(outcome: Outcome) -> str:
    """Why an attempt failed, as its owner may see it, whatever the owner expects of an answer."""
    if isinstance(outcome, Answered):
        return f"status_{outcome.status_code}"
    if isinstance(outcome, Unreachable) and outcome.cause is not None:
        return outcome.cause
    return REASONS.get(outcome.reason, outcome.reason)


def given_up_for(job: LostJob) -> str:
    """Why a job whose worker fell silent is discarded: CRASHED when it had attempts left."""
    return WORKER_LOST if job.attempt >= job.max_attempts else CRASHED


def ends_job(outcome: Outcome, job: ClaimedJob) -> bool:
    """Whether no further try may follow a failed one: its target asks for none, or its owner."""
    if not isinstance(outcome, Answered):
        return False
    stop_on = json.loads(job.judging).get("stop_on", ()) if job.judging else ()
    return asks_to_stop(outcome) or statuses.covers(stop_on, outcome.status_code)


def asks_to_stop(outcome: Answered) -> bool:
    """Whether the target asks for no further try: moved or gone for good, the header of Standard Webhooks, or the
    status and the header by which targets of QStash say so."""
    if outcome.status_code == NOT_RETRYABLE and header(outcome, NOT_RETRYABLE_HEADER).lower() == "true":
        return True
    return outcome.status_code in statuses.FINAL or header(outcome, STOP_HEADER).lower() == STOP_VALUE


def retry_after_us(outcome: Outcome, now: int, longest_us: int) -> int:
    """The delay that a target asks for, in microseconds: at most `longest_us`; 0 when it asks for none."""
    if not isinstance(outcome, Answered):
        return 0
    value = header(outcome, "retry-after")
    delay = int(value[:12]) * SECOND if value.isascii() and value.isdigit() else date_us(value) - now
    return max(0, min(delay, longest_us))


def rest_us(outcome: Outcome, now: int, longest_us: int) -> int:
    """For how long a busy target wants to be sent nothing, as `retry_after_us`, an hour at most."""
    is_busy = isinstance(outcome, Answered) and outcome.status_code in BUSY
    return retry_after_us(outcome, now, min(longest_us, LONGEST_REST_US)) if is_busy else 0


def spread_us(asked_us: int) -> int:
    """How far apart jobs come back that a target sent away for so long: at its end all would come within moments."""
    return max(SHORTEST_SPREAD_US, min(asked_us // 3, LONGEST_SPREAD_US)) if asked_us else 0


def date_us(text: str) -> int:
    """The instant of an HTTP date; 0 for any other text."""
    try:
        parsed = parsedate_to_datetime(text)
        aware = parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)  # HTTP dates are in UTC whatever their form
        return int(aware.timestamp() * SECOND)
    except (ValueError, TypeError, OverflowError, IndexError):
        return 0


def header(outcome: Answered, name: str) -> str:
    """The first value of a header, or an empty string."""
    return next((value.strip() for key, value in outcome.headers if key.lower() == name), "")


def _success(job: ClaimedJob) -> dict[str, Any]:
    success: dict[str, Any] = json.loads(job.judging or "{}").get("success", {})
    return success
