"""Ends attempts that their targets have acknowledged, and those that were not acknowledged in time.

What follows is what follows from any result: the same verdicts, transitions, events and memories of schedules. No
worker holds such a job; the row alone says until when it waits.
"""

import logging
import random
from collections.abc import Sequence
from typing import Any, Literal

from models.database.transactions import after_commit, transaction, wait_briefly_for_locks
from models.flows import leaving
from models.jobs import records
from models.jobs.job_json import JSON_TYPE
from models.jobs.log_events import JOB_ACKNOWLEDGED, JOB_DISCARDED, REQUEST_FAILED
from models.jobs.records import LogRow, Written, log_row
from models.operations import acks
from models.operations.acks import Ack, Acked
from models.rules.clock import MILLISECOND
from models.rules.redaction import BODY, REDACTED
from models.rules.times import format_instant
from models.webhooks import event_order
from runtime.logs import fields
from workers.delivery import ended_claims
from workers.delivery.attempt_records import Result, error_payload, hidden_by
from workers.delivery.config_cache import ConfigCache
from workers.delivery.ended_claims import Judged, claim_of
from workers.delivery.judge import ACCEPTED, Complete, Discard, Retry, Verdict, verdict_on_failure
from workers.delivery.recorder import add_consequences
from workers.transport.outcome import Answered, Outcome, Timings, Unreachable
from workers.transport.wire_format import Request

log = logging.getLogger("booper.acks")
NOT_ACKNOWLEDGED: Literal["not_acknowledged"] = "not_acknowledged"
REPORTED_FAILURE = "reported_failure"
NO_REQUEST = Request("GET", "", {}, None, 0)  # the one that was sent is in the log already


def end_acknowledged(now: int) -> int:
    """End the attempts that were acknowledged; returns how many."""
    acks.settle_useless(now)
    ready = acks.ready()
    if ready:
        with transaction():
            wait_briefly_for_locks()
            _end(ready, now)
    return len(ready)


def end_overdue(now: int, leases_from: int, leases_until: int) -> int:
    """End the attempts that no target has acknowledged in time; returns how many."""
    with transaction():
        overdue = [Acked(job, None) for job in acks.overdue(leases_from, leases_until)]
        if overdue:
            _end(overdue, now)
    return len(overdue)


def _end(acked: Sequence[Acked], now: int) -> None:
    """Record the ends, inside the caller's transaction."""
    configs, ack_of = ConfigCache(), {(job.id, job.claim_id): ack for job, ack in acked}
    configs.refresh({job.account_id for job, _ in acked})
    ended = ended_claims.end([_judged(each, now) for each in acked], now)
    acks.note_ends([_end_of(each, ack_of[claim_of(each)], now) for each in ended])
    acks.settle([claim for claim, ack in ack_of.items() if ack], now)
    records.add_log_entries([row for each in ended for row in _log_rows(each, ack_of[claim_of(each)], now)])
    waiting = add_consequences(ended, configs, now)
    after_commit(lambda: _after_commit(ended, waiting))


def _after_commit(ended: Sequence[Judged], waiting: set[int]) -> None:
    event_order.release_next_events(waiting)
    leaving.make_room(result.job for result, _ in ended)
    for result, verdict in ended:
        job, name, reason = result.job, type(verdict).__name__.lower(), getattr(verdict, "reason", None)
        line = fields(job_id=job.id, attempt=job.attempt, verdict=name, reason=reason, account_id=job.account_id)
        log.info("job.acknowledged", extra=line)


def _judged(acked: Acked, now: int) -> Judged:
    return Judged(Result(acked.job, NO_REQUEST, _outcome(acked, now), now), _verdict(acked, now))


def _outcome(acked: Acked, now: int) -> Outcome:
    timings = Timings(total_ms=(now - acked.job.attempted_at) / MILLISECOND)
    if acked.ack is None:
        return Unreachable(NOT_ACKNOWLEDGED, "the target did not acknowledge in time", timings)
    return Answered(ACCEPTED, [], acked.ack.body or b"", False, timings)


def _verdict(acked: Acked, now: int) -> Verdict:
    reason = _reason(acked.ack)
    return verdict_on_failure(acked.job, reason, now, random.random()) if reason else Complete()


def _reason(ack: Ack | None) -> str | None:
    if ack is None:
        return NOT_ACKNOWLEDGED
    return None if ack.succeeded else REPORTED_FAILURE


def _end_of(judged: Judged, ack: Ack | None, now: int) -> tuple[int, int, int, str | None, int | None]:
    job = judged.result.job
    return job.id, job.attempt, now, _reason(ack), _next_at(judged.verdict)


def _log_rows(judged: Judged, ack: Ack | None, now: int) -> list[LogRow]:
    """What the target reported, or that it did not, and the discard, if any."""
    result, verdict = judged
    job = result.job
    event, payload = REQUEST_FAILED, error_payload(result, verdict)
    if ack:
        event, payload = JOB_ACKNOWLEDGED, _ack_payload(result, ack, verdict)
    entries: list[tuple[str, dict[str, Any], int]] = [(event, payload, now)]
    if isinstance(verdict, Discard):
        entries.append((JOB_DISCARDED, {"reason": verdict.reason, "attempt": job.attempt}, now + 1))
    return [log_row(job.account_id, job.id, job.schedule_id, *entry) for entry in entries]


def _ack_payload(result: Result, ack: Ack, verdict: Verdict) -> dict[str, Any]:
    next_at = _next_at(verdict)
    return {
        "success": ack.succeeded,
        "body": REDACTED if BODY in hidden_by(result.job) else _shown(ack),
        "attempt": result.job.attempt,
        "next_at": None if next_at is None else format_instant(next_at),
    }


def _shown(ack: Ack) -> Any:
    if ack.body is None:
        return None
    return Written(ack.body) if ack.content_type == JSON_TYPE else ack.body.decode("utf-8", "replace")


def _next_at(verdict: Verdict) -> int | None:
    return verdict.next_at if isinstance(verdict, Retry) else None
