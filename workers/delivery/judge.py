"""Judges an attempt: from its outcome, its number, the job's backoff and now to a verdict, such as Retry. Pure.

It also words the reasons, those of attempts whose worker fell silent among them, which the rescuer ends.
"""

import json
from dataclasses import dataclass
from datetime import UTC
from email.utils import parsedate_to_datetime

from models.jobs.lifecycle import ClaimedJob, LostJob
from models.rules import statuses
from models.rules.backoff import delay_us
from models.rules.clock import HOUR, MINUTE, SECOND
from workers.transport.outcome import Answered, Outcome, Refused, Unreachable

RETRY_AFTER_STATUSES = (429, 503)
LONGEST_RETRY_AFTER_US = HOUR
SHORTEST_SPREAD_US, LONGEST_SPREAD_US = SECOND, 5 * MINUTE
STOP_HEADER, STOP_VALUE = "webhook-delivery", "abort-message"
ACCEPTED, COMPLETE_HEADER, COMPLETE_LATER = 202, "booper-complete", "later"
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


def judge(outcome: Outcome, job: ClaimedJob, now: int, random_fraction: float) -> Verdict:
    """The verdict on the latest attempt of a job. `random_fraction`: from 0 to 1; it spreads retries."""
    if isinstance(outcome, Answered) and 200 <= outcome.status_code <= 299:
        return Later(now + (job.ack_within_us or 0)) if is_to_be_acknowledged(outcome, job) else Complete()
    reason = reason_of(outcome)
    if isinstance(outcome, Refused) or asks_to_stop(outcome):
        return Discard(reason)
    return verdict_on_failure(job, reason, now, random_fraction, retry_after_us(outcome, now))


def verdict_on_failure(
    job: ClaimedJob, reason: str, now: int, random_fraction: float, rest_us: int = 0
) -> Retry | Discard:
    """Whether and when a job is tried again whose attempt failed. `rest_us`: how long its target asks for rest."""
    if job.attempt >= job.max_attempts:
        return Discard(reason)
    wait_us = delay_us(json.loads(job.backoff) if job.backoff else None, job.attempt, random_fraction)
    next_at = now + max(wait_us, rest_us)
    if job.retry_until is not None and next_at > job.retry_until:
        return Discard("max_age")
    later_at = next_at + (int(spread_us(rest_us) * random_fraction) if rest_us >= wait_us else 0)
    return Retry(later_at if job.retry_until is None else min(later_at, job.retry_until), reason)


def is_to_be_acknowledged(outcome: Answered, job: ClaimedJob) -> bool:
    """Whether the target says that it will acknowledge later; it may only if the job allows it."""
    if job.ack_within_us is None or outcome.status_code != ACCEPTED:
        return False
    return header(outcome, COMPLETE_HEADER).lower() == COMPLETE_LATER


def reason_of(outcome: Outcome) -> str:
    """Why an attempt failed, as its owner may see it."""
    if isinstance(outcome, Answered):
        return f"status_{outcome.status_code}"
    if isinstance(outcome, Unreachable) and outcome.cause is not None:
        return outcome.cause
    return REASONS.get(outcome.reason, outcome.reason)


def given_up_for(job: LostJob) -> str:
    """Why a job whose worker fell silent is discarded: CRASHED when it had attempts left."""
    return WORKER_LOST if job.attempt >= job.max_attempts else CRASHED


def asks_to_stop(outcome: Outcome) -> bool:
    """Whether the target asks for no further try: moved or gone for good, or the header of Standard Webhooks."""
    if not isinstance(outcome, Answered):
        return False
    return outcome.status_code in statuses.FINAL or header(outcome, STOP_HEADER).lower() == STOP_VALUE


def retry_after_us(outcome: Outcome, now: int) -> int:
    """The delay that a busy target asks for, in microseconds: at most an hour; 0 when it asks for none."""
    if not isinstance(outcome, Answered) or outcome.status_code not in RETRY_AFTER_STATUSES:
        return 0
    value = header(outcome, "retry-after")
    delay = int(value[:12]) * SECOND if value.isascii() and value.isdigit() else date_us(value) - now
    return max(0, min(delay, LONGEST_RETRY_AFTER_US))


def spread_us(rest_us: int) -> int:
    """How far apart jobs come back that a target sent away for so long: at its end all would come within moments."""
    return max(SHORTEST_SPREAD_US, min(rest_us // 3, LONGEST_SPREAD_US)) if rest_us else 0


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
