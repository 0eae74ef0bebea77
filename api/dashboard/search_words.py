"""Reads what a person typed into the search box: words such as `state:failed host:example.com after:yesterday`. Pure.

A word with a name restricts the list of jobs. The other words are a text to be found in a URL or a name.
"""

import shlex
from typing import NamedTuple

from api.dashboard.labels import JOB_FILTERS
from models.rules import times
from models.rules.clock import DAY

STATES = {"failed": "discarded", "waiting": "scheduled", "due": "available", "running": "executing", "ok": "completed"}
NAMES = {"status": "status_code", "from": "after", "to": "before"}  # other words for filters
INSTANTS = ("after", "before")
DAYS_AGO = {"today": 0, "yesterday": 1}


class Search(NamedTuple):
    """The filters of the list of jobs by their names, and what was not understood."""

    filters: dict[str, str]
    problems: list[str]


def read(typed: str, now: int) -> Search:
    """The filters that a text asks for. A day begins at midnight UTC."""
    search, free = Search({}, []), []
    for word in _words(typed):
        name, colon, value = word.partition(":")
        name = NAMES.get(name.lower(), name.lower())
        if not colon or value.startswith("//") or not name.isidentifier():
            free.append(word)
        elif name not in JOB_FILTERS or not value:
            search.problems.append(f"{word}: must begin with one of {', '.join(JOB_FILTERS)}, and a value must follow")
        else:
            search.filters[name] = _value(name, value, now)
    if free:
        search.filters["text"] = " ".join(free)
    return search


def _words(typed: str) -> list[str]:
    """The words; one in quotation marks may hold blanks."""
    try:
        return shlex.split(typed)
    except ValueError:  # a quotation mark is open
        return typed.split()


def _value(name: str, value: str, now: int) -> str:
    """The value as the filter takes it."""
    if name == "state":
        return STATES.get(value.lower(), value)
    return _instant(value, now) if name in INSTANTS else value


def _instant(value: str, now: int) -> str:
    """An instant for `today`, `yesterday` and a time ago such as `2h`; any other text as it is."""
    days = DAYS_AGO.get(value.lower())
    if days is not None:
        return times.format_instant(now - now % DAY - days * DAY)
    try:
        return times.format_instant(now - times.parse_duration(value))
    except (ValueError, ArithmeticError, LookupError):
        return value
