"""Describes an attempt: its row, the log entries for the job's owner, the log line for the operator.

Pure, except for the logger.
"""

import logging
from collections.abc import Sequence
from typing import Any, NamedTuple

from models.jobs.job_json import BYTES_TYPE, JSON_TYPE, as_base64
from models.jobs.job_kinds import ALERT, CHANNEL, GROUP
from models.jobs.lifecycle import ClaimedJob
from models.jobs.log_events import JOB_DISCARDED, REQUEST_FAILED, REQUEST_SENT, RESPONSE_RECEIVED
from models.jobs.records import AttemptRow, LogRow, Written, log_row
from models.rules.redaction import BODY, REDACTED, hidden_names, redacted, redacted_pairs
from models.rules.times import format_instant
from models.rules.url_rules import split_url
from runtime import logs
from workers.delivery.judge import (
    NOT_REACHABLE,
    Complete,
    Discard,
    Later,
    Retry,
    Stopped,
    Verdict,
    failure_of,
    reason_of,
)
from workers.delivery.render import arguments_of
from workers.transport.outcome import Answered, Outcome, Refused, Timings
from workers.transport.wire_format import Request

log = logging.getLogger("booper.attempts")
MAX_BODY_BYTES = 16 * 1024  # of a request in the log


class Result(NamedTuple):
    """The outcome of one claimed job in this process."""

    job: ClaimedJob
    request: Request
    outcome: Outcome
    finished_at: int


class Described(NamedTuple):
    """An attempt's row, its log entries, and the fields of its line for the operator."""

    row: AttemptRow
    entries: list[LogRow]
    line: dict[str, Any]


def described(result: Result, verdict: Verdict) -> Described:
    """All that is written of an attempt whose claim still held its job."""
    row = attempt_row(result, verdict)
    return Described(row, log_rows(result, verdict), operators_line(result, verdict, row, held=True))


def attempt_row(result: Result, verdict: Verdict) -> AttemptRow:
    job, outcome = result.job, result.outcome
    timings = shown_timings(outcome)
    return AttemptRow(
        job_id=job.id,
        number=job.attempt,
        started_at=job.attempted_at,
        finished_at=result.finished_at,
        lateness_us=job.attempted_at - job.scheduled_at,
        outcome=type(outcome).__name__.lower(),
        status_code=outcome.status_code if isinstance(outcome, Answered) else None,
        reason=None if has_not_failed(verdict) else failure_of(outcome, job),
        dns_ms=timings.dns_ms,
        connect_ms=timings.connect_ms,
        tls_ms=timings.tls_ms,
        first_byte_ms=timings.first_byte_ms,
        total_ms=timings.total_ms,
        next_at=verdict.next_at if isinstance(verdict, Retry) else None,
    )


def has_not_failed(verdict: Verdict) -> bool:
    """Whether the attempt succeeded, or has yet to be acknowledged."""
    return isinstance(verdict, Complete | Later) or (isinstance(verdict, Stopped) and verdict.reason is None)


def shown_timings(outcome: Outcome) -> Timings:
    """The timings that the owner may see. Those of a failed connection are hidden: they would reveal whether the port
    was closed, the name missing or the certificate bad."""
    if isinstance(outcome, Answered):
        return outcome.timings
    if isinstance(outcome, Refused):
        return Timings()
    not_reachable = reason_of(outcome) == NOT_REACHABLE
    return Timings(total_ms=outcome.timings.total_ms) if not_reachable else outcome.timings


def log_rows(result: Result, verdict: Verdict) -> list[LogRow]:
    """The request, what came back, and the discard, if any. Each is a little later than the one before, so that a list
    by instant keeps their order."""
    job, outcome = result.job, result.outcome
    owner = job.account_id, job.id, job.schedule_id
    ended_at = max(result.finished_at, job.attempted_at + 1)
    rows = []
    if job.kind != GROUP:  # which sends no request
        rows.append(log_row(*owner, REQUEST_SENT, request_payload(result), job.attempted_at))
    if isinstance(outcome, Answered):
        rows.append(log_row(*owner, RESPONSE_RECEIVED, response_payload(result, outcome), ended_at))
    else:
        rows.append(log_row(*owner, REQUEST_FAILED, error_payload(result, verdict), ended_at))
    if isinstance(verdict, Discard):
        discarded = {"reason": verdict.reason, "attempt": job.attempt}
        rows.append(log_row(*owner, JOB_DISCARDED, discarded, ended_at + 1))
    return rows


def request_payload(result: Result) -> dict[str, Any]:
    args, hidden = arguments_of(result.job), hidden_by(result.job)
    return {
        "method": result.request.method.lower(),
        "url": args["url"] if result.job.endpoint_id is None else result.request.url,
        "query": args.get("query") or {},
        "headers": redacted(result.request.sent_headers, hidden),
        **({"body": REDACTED} if BODY in hidden else shown_body(result)),
        "attempt": result.job.attempt,
    }


def shown_body(result: Result) -> dict[str, Any]:
    """The body that was sent; without a long one, which would be written again with each attempt."""
    body, content_type = result.request.body, result.job.content_type
    if body is None:
        return {"body": {}}
    if len(body) > MAX_BODY_BYTES:
        return {"body": None, "body_left_out": True}
    if content_type == BYTES_TYPE:
        return {"body": as_base64(body), "encoding": "base64"}
    return {"body": Written(body) if content_type == JSON_TYPE else body.decode("utf-8", "replace")}


def response_payload(result: Result, outcome: Answered) -> dict[str, Any]:
    hidden, elapsed_ms = hidden_by(result.job), outcome.timings.total_ms
    secrets = secrets_of(result)
    return {
        "status": outcome.status_code,
        "headers": redacted_pairs(covered_headers(outcome.headers, secrets), hidden),
        "body": REDACTED if BODY in hidden else covered(outcome.text("replace"), secrets),
        "truncated": outcome.truncated,
        "unreadable": outcome.unreadable,
        "elapsed_ms": None if elapsed_ms is None else round(elapsed_ms, 3),
        "attempt": result.job.attempt,
    }


def secrets_of(result: Result) -> list[str]:
    """The parts of a channel's or an alert's URL that a response may repeat (a redirect does), the longest first, also
    as JSON with escaped slashes."""
    if result.job.kind not in (ALERT, CHANNEL) or not result.request.url:
        return []
    target = split_url(result.request.url)
    query = target.request_target.removeprefix(target.path)
    plain = [target.request_target, target.path, target.path.rstrip("/"), query, query.removeprefix("?")]
    written = {*plain, *(part.replace("/", "\\/") for part in plain)} - {"\\/"}
    return sorted((part for part in written if len(part) > 1), key=len, reverse=True)


def covered_headers(headers: list[tuple[str, str]], secrets: list[str]) -> list[tuple[str, str]]:
    """The headers with values without the secrets."""
    return [(name, covered(value, secrets)) for name, value in headers] if secrets else headers


def covered(text: str, secrets: list[str]) -> str:
    """The text without the secrets."""
    for secret in secrets:
        text = text.replace(secret, f"/{REDACTED}")
    return text


def error_payload(result: Result, verdict: Verdict) -> dict[str, Any]:
    next_at = format_instant(verdict.next_at) if isinstance(verdict, Retry) else None
    return {"reason": reason_of(result.outcome), "attempt": result.job.attempt, "next_at": next_at}


def hidden_by(job: ClaimedJob) -> frozenset[str]:
    """What the job's owner wants hidden: header names in lower case, and BODY."""
    return hidden_names(job.redact)


def unheld_line(result: Result, verdict: Verdict) -> dict[str, Any]:
    """The operator's line of an attempt whose claim did not hold its job any more: nothing else is written of it."""
    return operators_line(result, verdict, attempt_row(result, verdict), held=False)


def log_attempts(lines: Sequence[dict[str, Any]]) -> None:
    """Log a wide line for each attempt for the operator, with whether its claim still held the job."""
    log.info("job.attempted", extra=logs.lines(lines))


def operators_line(result: Result, verdict: Verdict, row: AttemptRow, held: bool) -> dict[str, Any]:
    """The fields of an attempt's line; they hold no key, body or query string."""
    job, outcome = result.job, result.outcome
    line = {
        "job_id": job.id,
        "attempt": job.attempt,
        "outcome": row.outcome,
        "status": row.status_code,
        "verdict": type(verdict).__name__.lower(),
        "reason": getattr(verdict, "reason", None),
        "lateness_ms": row.lateness_us / 1000,
        "total_ms": None if row.total_ms is None else round(row.total_ms, 3),
        "account_id": job.account_id,
        "host": job.host,
        "held": held,
    }
    return line if isinstance(outcome, Answered) else {**line, "detail": outcome.detail}
