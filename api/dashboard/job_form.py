"""Owns the form of an order as it is shown: its fields, filled in from an old order, and which of them an error is told
by. Pure. What it says is read by api/dashboard/job_form_reading.py.
"""

import json
from typing import Any, Protocol

from models.jobs import replays
from models.jobs.job_json import Sent
from models.rules.query_strings import with_query

UNITS = ("seconds", "minutes", "hours", "days", "weeks")
FORM_FIELDS = (
    "method",
    "url",
    "query",
    "headers",
    "body",
    "when",
    "name",
    "description",
    "timeout",
    "max_attempts",
    "more",
)
FORM_MEMBERS = ("method", "url", "headers", "body", "name", "description", "timeout", "max_attempts")
EMPTY = {
    **{"method": "POST", "when": "now", "amount": "30", "unit": "seconds", "body_type": "json"},
    **{"every": "5", "every_unit": "minutes", "cron": "0 9 * * 1-5", "timezone": ""},
}
WAYS = ("now", "in", "at", "every", "cron")
FIELD_OF = {"schedule_in": "when", "scheduled_at": "when", "repeat_every": "when", "cron": "when", "timezone": "when"}


class Ordered(Sent, Protocol):
    """What a job and a schedule have in common: the request that was ordered, and how it is called."""

    @property
    def name(self) -> str | None: ...
    @property
    def description(self) -> str | None: ...


def lines(text: str) -> str:
    """A text as it comes back from a form."""
    return text.replace("\r\n", "\n").replace("\r", "\n")


def sent_as_text(row: Ordered) -> bool:
    return row.content_type is not None and not row.content_type.startswith("application/json")


def form_of(row: Ordered, left_out: tuple[str, ...] = replays.NOT_REPLAYED) -> dict[str, str]:
    """The form filled in with the request of a job or schedule; it is due now. `left_out`: members of the old order
    that the new one shall not have."""
    args = json.loads(row.args)
    left_out = (*FORM_MEMBERS, *left_out, "query")
    more = {name: value for name, value in args.items() if name not in left_out}
    return {
        **EMPTY,
        "method": args.get("method", "get").upper(),
        "url": with_query(args["url"], args.get("query")),
        "headers": "\n".join(f"{name}: {value}" for name, value in (args.get("headers") or {}).items()),
        "body": "" if row.body is None else bytes(row.body).decode("utf-8", "replace"),
        "body_type": "text" if sent_as_text(row) else "json",
        "name": row.name or "",
        "description": row.description or "",
        "timeout": str(args.get("timeout") or ""),
        "max_attempts": str(args.get("max_attempts") or ""),
        "more": json.dumps(more, ensure_ascii=False) if more else "",
    }


def flat(errors: dict[str, Any]) -> dict[str, list[str]]:
    """For each field of the form what is wrong with it, and under "" what is with the whole; nested paths, and members
    that stand among the further ones, are told in the text."""
    found: dict[str, list[str]] = {}
    for path, texts in errors.items():
        name, _, rest = path.partition(".")
        field = FIELD_OF.get(name, name)
        if field and field not in FORM_FIELDS:
            field, rest = "more", path
        told = [f"{rest}: {text}" if rest else text for text in texts]
        found.setdefault(field, []).extend(told)
    return found
