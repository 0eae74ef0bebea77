"""Owns how values are written on pages: instants, lengths of time, counts, JSON, a job's request. Pure but for `now`.

The filters give text that templates escape; none of them gives markup.
"""

import json
import re
from typing import Any

from api.dashboard.blueprint import pages
from api.dashboard.labels import member
from api.responses.timestamps import micros_utc
from models.jobs.job_store import JobRow
from models.jobs.states import FINAL
from models.operations.overview import CAP
from models.rules import clock, times
from models.rules.clock import DAY, HOUR, MINUTE, SECOND

UNITS = ((DAY, "d"), (HOUR, "h"), (MINUTE, "min"), (SECOND, "s"))
MARK = "·"
MOST_SHOWN_CHARS = 20_000

_WRITTEN = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{6}Z)"
)  # as models/rules/times.py does


@pages.app_template_filter("iso")
def iso(instant: int | None) -> str:
    """`2023-09-01T18:26:20.353046Z`, for machines."""
    return micros_utc(instant) or ""


@pages.app_template_filter("utc")
def utc(instant: int | None) -> str:
    """`2023-09-01 18:26:20 UTC`, for people."""
    return "" if instant is None else f"{iso(instant)[:19].replace('T', ' ')} UTC"


@pages.app_template_filter("exact")
def exact(instant: int | None) -> str:
    """`2023-09-01 18:26:20.353046 UTC`, for whoever looks twice."""
    return "" if instant is None else f"{iso(instant)[:-1].replace('T', ' ')} UTC"


@pages.app_template_filter("pieces")
def pieces(text: str) -> list[str | int]:
    """A sentence of ours in its parts: texts, and the instants that it names."""
    return [part if number % 2 == 0 else times.parse_instant(part) for number, part in enumerate(_WRITTEN.split(text))]


@pages.app_template_filter("ago")
def ago(instant: int | None, now: int | None = None) -> str:
    """`in 4 min`, `3 s ago`, from the present."""
    if instant is None:
        return ""
    ahead = instant - (clock.now() if now is None else now)
    if abs(ahead) < SECOND:
        return "now"
    return f"in {span(ahead)}" if ahead > 0 else f"{span(-ahead)} ago"


@pages.app_template_filter("ended_at")
def ended_at(job: JobRow) -> int | None:
    """When a job ended; None for one that has not."""
    stamps = (job.completed_at, job.discarded_at, job.cancelled_at)
    return next((at for at in stamps if at is not None), None) if job.state in FINAL else None


@pages.app_template_filter("span")
def span(span_us: int) -> str:
    """A length of time in its one or two greatest units: `2 d 4 h`, `90 ms`."""
    if span_us < SECOND:
        return f"{span_us / 1000:.0f} ms" if span_us >= 10_000 else f"{span_us / 1000:.1f} ms"
    for number, (unit, name) in enumerate(UNITS):
        if span_us >= unit:
            whole, rest = divmod(span_us, unit)
            lesser = UNITS[number + 1] if number + 1 < len(UNITS) else None
            more = rest // lesser[0] if lesser and whole < 10 else 0
            return f"{whole} {name} {more} {lesser[1]}" if more and lesser else f"{whole} {name}"
    return ""


@pages.app_template_filter("ms")
def ms(value: float | None) -> str:
    """Milliseconds, short."""
    if value is None:
        return "–"
    return span(int(value * 1000))


@pages.app_template_filter("us")
def us(value: float | None) -> str:
    """Microseconds, short."""
    return "–" if value is None else span(int(value))


@pages.app_template_filter("summary")
def summary(payload: dict[str, Any]) -> str:
    """The one line that tells most of a log entry."""
    if "status" in payload:
        return f"{payload['status']} {MARK} {one_line(payload.get('body'))}"
    if "url" in payload:
        return f"{str(payload.get('method') or '').upper()} {payload['url']}".strip()
    return MARK.join(
        f" {member(name)}: {one_line(value)} " for name, value in payload.items() if value is not None
    ).strip()


def one_line(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return " ".join(text[:120].split())


@pages.app_template_filter("capped")
def capped(count: int) -> str:
    """A count that may have ended at the cap: `10,000+`."""
    return f"{CAP:,}+" if count > CAP else f"{count:,}"


@pages.app_template_filter("pretty")
def pretty(value: Any) -> str:
    """A JSON value, or a text that may be JSON, indented; cut to what a page can carry."""
    text = value if isinstance(value, str) else json.dumps(value, indent=2, ensure_ascii=False)
    if isinstance(value, str) and value[:1] in "{[":
        try:
            text = json.dumps(json.loads(value), indent=2, ensure_ascii=False)
        except (ValueError, RecursionError):
            text = value
    return text if len(text) <= MOST_SHOWN_CHARS else f"{text[:MOST_SHOWN_CHARS]}\n… cut here"


@pages.app_template_filter("args")
def args(text: str) -> dict[str, Any]:
    """A job's request from its column."""
    found: dict[str, Any] = json.loads(text)
    return found


@pages.app_template_filter("event_type")
def event_type(body: bytes | None) -> str:
    """What an event tells: `job.finished`; "" for a body that is no event's."""
    try:
        return str(json.loads(body or b"{}").get("type", ""))
    except (ValueError, AttributeError):
        return ""
