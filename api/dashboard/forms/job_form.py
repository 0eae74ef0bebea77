"""Fills in the job form from an old job or schedule, and says beside which field each error stands. Pure.

`job_form_reader.py` reads the form back.
"""

import json
from typing import Any, Protocol

from models.jobs import replays
from models.jobs.job_json import BYTES_TYPE, JSON_TYPE, Sent, as_base64
from models.rules import times
from models.rules.query_strings import with_query
from models.schedules.policies import MISFIRES, OVERLAPS

REQUEST_FIELDS = ("method", "url", "headers", "body", "name", "description", "timeout", "max_attempts")
GATES = ("flow", "lane")
FLOW_MEMBERS = ("key", "rate", "per", "concurrency")
LISTS = ("labels", "exclude", "calendars", "backoff")  # texts separated by commas
TEXTS = ("callback_url", "failure_callback_url", "webhook_url", "overlap", "misfire")
BOUNDS = ("starts_at", "until")  # instants; their inputs show and take local times
NUMBERS = ("max_runs",)
CHOICES = {"overlap": OVERLAPS, "misfire": MISFIRES}
OPTIONS = (*LISTS, *TEXTS, *BOUNDS, *NUMBERS)
FORM_FIELDS = (*REQUEST_FIELDS, *GATES, *OPTIONS, "query", "when", "more")  # each has its own place for errors
EMPTY = {
    **{"method": "POST", "when": "now", "amount": "30", "unit": "seconds", "body_type": "json"},
    **{"every": "5", "every_unit": "minutes", "cron": "0 9 * * 1-5", "timezone": ""},
}
FORM_FIELD_OF = dict.fromkeys(("schedule_in", "scheduled_at", "repeat_every", "cron", "timezone"), "when")


class StoredRequest(Sent, Protocol):
    """What the rows of a job and of a schedule have in common."""

    @property
    def name(self) -> str | None: ...
    @property
    def description(self) -> str | None: ...


def unix_lines(text: str) -> str:
    """A text with the line ends that a form comes back with, as LF."""
    return text.replace("\r\n", "\n").replace("\r", "\n")


def sent_as_text(row: StoredRequest) -> bool:
    return row.content_type is not None and not row.content_type.startswith((JSON_TYPE, BYTES_TYPE))


def body_of(row: StoredRequest) -> str | None:
    """The body as the form shows it: bytes stand among the other fields, as base64."""
    return None if row.body is None or row.content_type == BYTES_TYPE else bytes(row.body).decode("utf-8", "replace")


def form_of(row: StoredRequest, left_out: tuple[str, ...] = replays.NOT_REPLAYED) -> dict[str, str]:
    """The form filled in with the request of a job or schedule, due now. `left_out`: fields of the request that the
    form does not take over."""
    args = {name: value for name, value in json.loads(row.args).items() if name not in left_out}
    gates, options = _gates(args), options_of(args)
    shown = (*REQUEST_FIELDS, *(GATES if gates else ()), *options, "query")
    more = {name: value for name, value in args.items() if name not in shown}
    if row.body is not None and row.content_type == BYTES_TYPE:
        more["body_base64"] = as_base64(bytes(row.body))
    return {
        **EMPTY,
        "method": args.get("method", "get").upper(),
        "url": with_query(args.get("url", ""), args.get("query")),
        "headers": "\n".join(f"{name}: {value}" for name, value in (args.get("headers") or {}).items()),
        "body": body_of(row) or "",
        "body_type": "text" if sent_as_text(row) else "json",
        "name": row.name or "",
        "description": row.description or "",
        "timeout": str(args.get("timeout") or ""),
        "max_attempts": str(args.get("max_attempts") or ""),
        **gates,
        **options,
        "more": json.dumps(more, ensure_ascii=False) if more else "",
    }


def options_of(args: dict[str, Any]) -> dict[str, str]:
    """The fields of the form for the options that a field of one line can hold."""
    lists = {**args, **_excluded(args.get("exclude")), "backoff": _delays(args.get("backoff"))}
    texts = {name: ", ".join(lists[name]) for name in LISTS if _is_list_of_words(lists.get(name))}
    texts |= {name: args[name] for name in TEXTS if isinstance(args.get(name), str) and _fits(args[name])}
    texts |= {name: text for name in BOUNDS if (text := _bound(args.get(name)))}
    return texts | {name: str(args[name]) for name in NUMBERS if type(args.get(name)) is int}


def to_the_second(instant: str) -> str:
    """`2026-12-01T00:00:00Z` for the text of an instant, unless it has a fraction."""
    return instant.replace(".000000Z", "Z")


def _bound(value: Any) -> str:
    """An instant in UTC, whatever its spelling; "" for what is none."""
    try:
        return to_the_second(times.format_instant(times.parse_instant(value)))
    except (ValueError, TypeError, ArithmeticError):
        return ""


def _excluded(exclude: Any) -> dict[str, Any]:
    """The days and the calendars that a schedule excludes, each as the value of its field."""
    if not isinstance(exclude, dict):
        return {}
    days, calendars = exclude.get("days") or [], exclude.get("calendars") or []
    return {"exclude": days, "calendars": calendars} if _is_list_of_words(days) and _is_list_of_words(calendars) else {}


def _delays(backoff: Any) -> Any:
    """The delays of a list of them, as texts: the field takes a number of seconds for one."""
    return [str(delay) for delay in backoff] if isinstance(backoff, list) else None


def _is_list_of_words(value: Any) -> bool:
    """Whether commas can separate the texts of a list."""
    return isinstance(value, list) and all(isinstance(text, str) and _fits(text) and "," not in text for text in value)


def _gates(args: dict[str, Any]) -> dict[str, str]:
    """The fields of the form for the flow and the lane; none where one is written as the form can't hold it."""
    flow, lane = args.get("flow") or {}, args.get("lane") or {}
    lane = {"key": lane} if isinstance(lane, str) else lane
    values = (*flow.values(), *lane.values())
    if not all(map(_fits, values)) or lane.get("on_failure") == "go_on":
        return {}
    return {
        **{f"flow_{name}": str(flow[name]) for name in FLOW_MEMBERS if flow.get(name) is not None},
        "lane_key": lane.get("key", ""),
        "lane_stops": "on" if lane.get("on_failure") == "stop" else "",
    }


def _fits(value: Any) -> bool:
    """Whether a field of one line gives it back: a number, or a text without spaces around it."""
    return not isinstance(value, list) and str(value) == str(value).strip()


def errors_by_field(errors: dict[str, Any], whole: str = "") -> dict[str, list[str]]:
    """The errors of each field of the form; under "" those of the form as a whole. A nested path, and the name of a
    field that stands under "more", go in front of the text. `whole`: the one field of a form that has no other."""
    if whole:
        named = [(path if path != whole else "", text) for path, texts in errors.items() for text in texts]
        return {whole: [f"{path}: {text}" if path else text for path, text in named]} if errors else {}
    by_field: dict[str, list[str]] = {}
    for path, texts in errors.items():
        name, _, rest = path.partition(".")
        field = FORM_FIELD_OF.get(name, name)
        if field and field not in FORM_FIELDS:
            field, rest = "more", path
        by_field.setdefault(field, []).extend(f"{rest}: {text}" if rest else text for text in texts)
    return by_field
