"""Reads what is typed into the search box, `state:failed host:example.com after:yesterday`, as the filters of jobs.

A word without a colon is part of a URL or a name; an address may have colons. What holds spaces stands in quotes:
`name:"welcome mail"`. `written` is the way back: filters as the box shows them. Pure.
"""

import re
from typing import NamedTuple
from zoneinfo import ZoneInfo

from api.dashboard.searching.search_times import EXPECTED, read_time
from models.jobs.states import STATES
from models.rules import times

MAX_CHARS = 500
STATE_WORDS = {  # what people call a state
    "failed": "discarded",
    "retrying": "retryable",
    "running": "executing",
    "succeeded": "completed",
    "due": "available",
    "waiting": "scheduled",
    "ok": "completed",
}
FILTERS = (  # of GET /jobs and of a stretch of the timeline, each with its own name as a word of the box
    *("state", "kind", "label", "host", "text", "url", "path", "name", "schedule", "flow", "lane"),
    *("reason", "status_code", "after", "before", "failed_after", "failed_before", "due", "parent", "replayed"),
    *("scheduled_after", "scheduled_before", "active_after", "active_before"),
)
SHORT = {"status": "status_code", "from": "after", "to": "before"}
TIMES = tuple(name for name in FILTERS if name.endswith(("after", "before")))
SPACE, SPACE_OR_COLON = r"\s", r"[\s:]"

_PIECE = re.compile(
    r"([A-Za-z_]+):(?=\s|$)"  # a word without a value
    r'|(?:([A-Za-z_]+):(?!//))?(?:"([^"]*)"?|(\S+))'  # a value, with or without a word; `https://` is none
)


class Search(NamedTuple):
    """What was typed: the fields that GET /jobs takes, and what is wrong with it. `span`: the preset that gave the
    range of time."""

    fields: dict[str, str]
    problems: list[str]
    span: str = ""


def read(text: str, now: int, zone: ZoneInfo) -> Search:
    """The fields of a search. A day begins at midnight of `zone`."""
    fields: dict[str, str] = {}
    problems: list[str] = []
    for word, value in pieces(text[:MAX_CHARS]):
        name = SHORT.get(word, word or "text")
        if name not in FILTERS:
            problems.append(f'unknown word {word}: must be one of {", ".join(FILTERS)}, or stand in quotes: "{word}:…"')
        elif name == "text":
            fields["text"] = f"{fields.get('text', '')} {value}".strip()
        elif name in fields:
            problems.append(f"{word} must be given once")
        else:
            problems += _take(fields, name, value, now, zone)
    return Search(fields, problems)


def pieces(text: str) -> list[tuple[str, str]]:
    """The words of a search with their values; "" for the word of what stands by itself."""
    parts = [match.groups(default="") for match in _PIECE.finditer(text)]
    return [((alone or word).lower(), quoted or bare) for alone, word, quoted, bare in parts]


def written(fields: dict[str, str]) -> str:
    """The search that reads as these fields."""
    words = {"status_code": "status:", "text": ""}
    named = [(words.get(name, f"{name}:"), fields[name]) for name in FILTERS if name in fields]
    return " ".join(f"{word}{_quoted(value, SPACE if word else SPACE_OR_COLON)}" for word, value in named)


def _take(fields: dict[str, str], name: str, value: str, now: int, zone: ZoneInfo) -> list[str]:
    """Put the field where it belongs; what is wrong with it."""
    if name == "state":
        value = STATE_WORDS.get(value.lower(), value.lower())
        if value not in STATES:
            return [f"state must be one of {', '.join((*STATES, *STATE_WORDS))}, got {value or 'nothing'}"]
    elif name in TIMES:
        try:
            value = times.format_instant(read_time(value, now, zone))
        except (ValueError, OverflowError):
            return [f"{name} must be {EXPECTED}, got {value or 'nothing'}"]
    elif not value:
        return [f"{name} must have a value behind the colon"]
    fields[name] = value
    return []


def _quoted(value: str, separators: str) -> str:
    return f'"{value}"' if re.search(separators, value) and '"' not in value else value
