"""Reads and writes the days of a calendar as lines: a day `2026-12-24`, or a range `2026-12-24 to 2027-01-06`. Pure."""

from collections.abc import Sequence
from typing import Any

from api.requests.fields import shown
from models.rules import bounds
from models.schedules.calendars.calendar_store import MAX_DAYS

TO = " to "
LINE = f"2026-12-08\n2026-12-24{TO}2027-01-06"
MAX_PROBLEMS = 5  # of lines that are reported


def lines_of(days: Sequence[Any]) -> str:
    return "\n".join(day if isinstance(day, str) else f"{day['from']}{TO}{day['to']}" for day in days)


def read_lines(text: str) -> tuple[list[Any], list[str]]:
    """The days, as the API takes them, and what is wrong with the lines. Empty lines count for nothing."""
    lines = [(number, line.strip()) for number, line in enumerate(text.splitlines(), 1) if line.strip()]
    if len(lines) > MAX_DAYS:
        return [], [f"days must be at most {MAX_DAYS} lines, got {len(lines)}"]
    problems = [f"line {number} {fault}" for number, line in lines if (fault := _fault(line))]
    return [_day(line) for _, line in lines], problems[:MAX_PROBLEMS]


def _day(line: str) -> Any:
    first, to, last = line.partition(TO)
    return {"from": first.strip(), "to": last.strip()} if to else line


def _fault(line: str) -> str | None:
    try:
        bounds.days_of(_day(line))
    except bounds.WrongDays as wrong:
        return f"{wrong}, got {shown(line)}"
    except ValueError:
        return f"must be a day such as 2026-12-24, or a range such as 2026-12-24 to 2027-01-06, got {shown(line)}"
    return None
