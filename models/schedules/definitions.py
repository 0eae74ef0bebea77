"""Says whether two definitions of a schedule mean the same, however they are spelled. Pure.

A deployment may declare its schedules each time with another order of keys, with defaults spelled out, or with 60.0 for
60. Only another meaning may move instants and replace the waiting job.
"""

import json
from collections.abc import Mapping
from typing import Any, Protocol

from models.jobs.job_json import JSON_TYPE
from models.rules import recurrence
from models.rules.backoff import ENGINE
from models.rules.listener_urls import is_listener_url
from models.rules.url_rules import UrlRefused, split_url

GATES = ("flow_id", "lane_id")  # of the template, once a definition has joined them
AS_THEY_ARE = ("name", "description", "content_type", "offset_us", "overlap", "misfire", "catch_up_us", "disable_after")


def is_same(first: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Whether two definitions (by column, schedule_store.DEFINITION) mean the same."""
    return _meaning(first) == _meaning(other)


def is_same_order(first: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """The same of a definition that has not joined its flow and its lane: they are compared as they were ordered."""
    return _gates_of(first) == _gates_of(other) and is_same(_without_gates(first), _without_gates(other))


class Stored(Protocol):
    """A schedule, as far as its instants are concerned."""

    @property
    def frequency(self) -> str: ...

    @property
    def calendar_days(self) -> str | None: ...


def is_same_frequency(first: Stored, other: Stored) -> bool:
    """Whether two schedules are due at the same instants."""
    frequencies = [(schedule.frequency, schedule.calendar_days) for schedule in (first, other)]
    return frequencies[0] == frequencies[1] or _of_frequency(*frequencies[0]) == _of_frequency(*frequencies[1])


def is_same_interval(first: Stored, other: Stored) -> bool:
    """Whether two schedules have one interval from one start, whatever else bounds them."""
    try:
        before, after = recurrence.frequency_of(first.frequency), recurrence.frequency_of(other.frequency)
    except (KeyError, ValueError):  # a newer version may have stored it
        return False
    started = (before.bounds.starts_at, before.every_us)
    return before.every_us is not None and started == (after.bounds.starts_at, after.every_us)


def _meaning(values: Mapping[str, Any]) -> list[Any]:
    return [
        *(values[name] for name in AS_THEY_ARE),
        _of_frequency(values["frequency"], values["calendar_days"]),
        _of_request(values["args"]),
        _of_body(values["body"], values["content_type"]),
        _of_template(values["template"]),
    ]


def _gates_of(values: Mapping[str, Any]) -> tuple[Any, Any]:
    args = json.loads(values["args"])
    return args.get("flow"), args.get("lane")


def _without_gates(values: Mapping[str, Any]) -> dict[str, Any]:
    template = {name: value for name, value in json.loads(values["template"]).items() if name not in GATES}
    return {**values, "template": json.dumps(template)}


def _of_frequency(text: str, calendar_days: str | None) -> Any:
    try:
        return recurrence.meaning_of(recurrence.frequency_of(text, calendar_days))
    except (KeyError, ValueError):  # of a zone that this machine does not have
        return text


def _of_request(text: str) -> dict[str, Any]:
    """What is sent besides the body. All else that the request holds is in columns or in the template."""
    args = json.loads(text)
    return {
        "method": args.get("method") or "get",
        "url": _of_url(args.get("url")),
        "group": args.get("group"),
        "headers": {name.lower(): str(value) for name, value in (args.get("headers") or {}).items()},
        "query": _exact(text).get("query") or {},
    }


def _of_url(url: Any) -> Any:
    if url is None:  # there is a group in its place
        return None
    if is_listener_url(url):
        return url
    try:
        target = split_url(url)
    except UrlRefused:  # an earlier version may have taken it
        return url
    return (target.scheme, target.host, target.port, target.request_target)


def _of_body(body: bytes | None, content_type: str | None) -> Any:
    if body is None or content_type != JSON_TYPE:
        return None if body is None else bytes(body)
    return _exact(bytes(body).decode())


def _of_template(text: str) -> dict[str, Any]:
    """Backoff and the like by their values; labels and hidden headers in any order. A field that an earlier version did
    not store is as good as an empty one."""
    fields = json.loads(text)
    backoff = json.loads(fields["backoff"]) if fields.get("backoff") else None
    if isinstance(backoff, list):
        backoff = {"delays": backoff}
    fields |= {
        "backoff": None if backoff == ENGINE else backoff,
        "redact": sorted(json.loads(fields.get("redact") or "[]")),
        "notify": json.loads(fields.get("notify") or "{}"),
        "labels": sorted(fields.get("labels") or []),
    }
    return {name: value for name, value in fields.items() if value}


def _exact(text: str) -> Any:
    """JSON whose numbers differ by their spelling, since a target is sent them as they are spelled."""
    return json.loads(text, parse_int=_number, parse_float=_number)


def _number(text: str) -> tuple[str, str]:
    return ("number", text)
