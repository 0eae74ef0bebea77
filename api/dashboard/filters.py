"""Formats values for pages: instants, durations, counts, JSON, log entries. Pure, except that `ago` reads the clock.

A filter returns text, which the template escapes; none returns markup.
"""

import json
import re
from collections.abc import Callable
from typing import Any

from api.dashboard.labels import LOG_FIELDS, RUN_RESULTS
from api.responses.timestamps import micros_utc
from models.jobs.attempt_reasons import cause, in_words
from models.jobs.job_json import BYTES_TYPE, Sent, as_base64
from models.jobs.job_store import JobRow
from models.jobs.states import FINAL
from models.operations.overview import CAP
from models.rules import clock, times
from models.rules.clock import DAY, HOUR, MINUTE, SECOND

UNITS = ((DAY, "d"), (HOUR, "h"), (MINUTE, "min"), (SECOND, "s"))
SEPARATOR = "·"
MAX_PRETTY_CHARS = 20_000
MAX_LINE_CHARS = 120
SHOWN_ELSEWHERE = {"method", "url", "headers", "body", "name", "description", "labels"}

_INSTANT = re.compile(  # as models/rules/times.py formats it
    r"([0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{6}Z)"
)


def iso(instant: int | None) -> str:
    """`2023-09-01T18:26:20.353046Z`, for machines."""
    return micros_utc(instant) or ""


def utc(instant: int | None) -> str:
    """`2023-09-01 18:26:20 UTC`, for people."""
    return "" if instant is None else f"{iso(instant)[:19].replace('T', ' ')} UTC"


def time_of_day(instant: int) -> str:
    """`18:26`, in UTC."""
    return iso(instant)[11:16]


def exact(instant: int | None) -> str:
    """`2023-09-01 18:26:20.353046 UTC`, for a tooltip."""
    return "" if instant is None else f"{iso(instant)[:-1].replace('T', ' ')} UTC"


def pieces(text: str) -> list[str | int]:
    """The parts of a text: strings, and the instants between them."""
    parts = enumerate(_INSTANT.split(text))
    return [part if number % 2 == 0 else times.parse_instant(part) for number, part in parts]


def ago(instant: int | None, now: int | None = None) -> str:
    """`in 4 min`, `now`, `3 s ago`. Nobody needs the seconds beside the minutes."""
    if instant is None:
        return ""
    ahead = instant - (clock.now() if now is None else now)
    if abs(ahead) < SECOND:
        return "now"
    length = abs(ahead) if abs(ahead) < MINUTE else abs(ahead) // MINUTE * MINUTE
    return f"in {span(length)}" if ahead > 0 else f"{span(length)} ago"


def ended_at(job: JobRow) -> int | None:
    """When a job ended; None while it has not."""
    if job.state not in FINAL:
        return None
    return next((at for at in (job.completed_at, job.discarded_at, job.cancelled_at) if at is not None), None)


def span(span_us: int) -> str:
    """A duration in its one or two largest units: `2 d 4 h`, `90 ms`."""
    if span_us < SECOND:
        return f"{span_us / 1000:.0f} ms" if span_us >= 10_000 else f"{span_us / 1000:.1f} ms"
    for number, (unit, name) in enumerate(UNITS):
        if span_us >= unit:
            whole, rest = divmod(span_us, unit)
            smaller = UNITS[number + 1] if number + 1 < len(UNITS) else None
            count = rest // smaller[0] if smaller and whole < 10 else 0
            return f"{whole} {name} {count} {smaller[1]}" if count and smaller else f"{whole} {name}"
    return ""


def ms(value: float | None) -> str:
    """A duration given in milliseconds."""
    return "–" if value is None else span(int(value * 1000))


def us(value: float | None) -> str:
    """A duration given in microseconds."""
    return "–" if value is None else span(int(value))


def summary(payload: dict[str, Any]) -> str:
    """A log entry in one line: status and body of a response, method and URL of a request, else each field."""
    if "status" in payload:
        return f"{payload['status']} {SEPARATOR} {one_line(payload.get('body'))}"
    if "url" in payload:
        return f"{str(payload.get('method') or '').upper()} {payload['url']}".strip()
    values = {**payload, "reason": cause(payload["reason"])} if isinstance(payload.get("reason"), str) else payload
    fields = [f"{log_field(name)}: {one_line(value)}" for name, value in values.items() if value is not None]
    return f" {SEPARATOR} ".join(fields)


def one_line(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return " ".join(text[:MAX_LINE_CHARS].split())


def capped(count: int) -> str:
    """A count with its thousands; `10,000+` when it stopped at the cap."""
    return f"{CAP:,}+" if count > CAP else f"{count:,}"


def pretty(value: Any) -> str:
    """A JSON value, or a text that may be JSON: indented, cut at `MAX_PRETTY_CHARS`."""
    text = value if isinstance(value, str) else json.dumps(value, indent=2, ensure_ascii=False)
    if isinstance(value, str) and value[:1] in "{[":
        try:
            text = json.dumps(json.loads(value), indent=2, ensure_ascii=False)
        except (ValueError, RecursionError):
            text = value
    return text if len(text) <= MAX_PRETTY_CHARS else f"{text[:MAX_PRETTY_CHARS]}\n… cut here"


def body_text(row: Sent) -> str | None:
    """The body of a job or schedule, as text; of bytes their base64. None: no body."""
    if row.body is None:
        return None
    body = bytes(row.body)
    return as_base64(body) if row.content_type == BYTES_TYPE else body.decode("utf-8", "replace")


def args(text: str) -> dict[str, Any]:
    """A job's request, from the column `args`."""
    request: dict[str, Any] = json.loads(text)
    return request


def options(request: dict[str, Any]) -> dict[str, str]:
    """What a request for a job says besides the request that is sent and the job's names."""
    return {name: one_line(value) for name, value in request.items() if name not in SHOWN_ELSEWHERE}


def event_type(body: bytes | None) -> str:
    """The type in an event's body, such as `job.finished`; "" for any other body."""
    try:
        return str(json.loads(body or b"{}").get("type", ""))
    except (ValueError, AttributeError):
        return ""


def run_status(status: str) -> str:
    """What came of an instant of a schedule."""
    return RUN_RESULTS[status][1] if status in RUN_RESULTS else status


def log_field(name: str) -> str:
    """The label of a field of a log entry."""
    return LOG_FIELDS.get(name, name)


FILTERS: dict[str, Callable[..., Any]] = {
    each.__name__: each
    for each in (
        *(iso, utc, exact, ago, span, ms, us, ended_at, pieces),
        *(summary, capped, pretty, args, options, event_type, run_status, log_field, in_words, cause),
    )
}
