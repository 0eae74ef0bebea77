"""Makes schedules of those of Celery: each calls an address that queues the task."""

import json
from datetime import timedelta
from typing import Any

from booper_client.cli.failures import WRONG_USE, Refusal
from booper_client.cli.files import celery_dump, celery_module
from booper_client.cli.files.imported import Imported, NotCarried, key_of

CARRIED_OPTIONS = ("queue", "priority", "expires")


def read(text: str, url: str, timezone: str | None = None) -> Imported:
    """`text`: a module with a `beat_schedule`, or what `manage.py dumpdata django_celery_beat` prints. `url`: what
    queues a task. `timezone`: where the text names none."""
    made = Imported()
    if text.lstrip().startswith("["):
        for name, entry in celery_dump.entries(_objects(text)):
            _add(made, name, entry, url, timezone)
        return made
    try:
        schedules, zone = celery_module.settings(text)
    except SyntaxError as error:
        raise Refusal(f"the file is neither a module of Python nor a dump in JSON: {error}", WRONG_USE) from None
    if not schedules:
        raise Refusal(f"the module sets no {' and no '.join(celery_module.SCHEDULES)} as a dictionary", WRONG_USE)
    for dictionary in schedules:
        for name, entry in celery_module.entries(dictionary):
            _add(made, name, entry, url, zone or timezone)
    return made


def _objects(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError as error:
        raise Refusal(f"the dump is no JSON: {error}", WRONG_USE) from None


def _add(made: Imported, name: str, entry: Any, url: str, timezone: str | None) -> None:
    """Add the schedule of an entry, and name what of it is left out."""
    try:
        if isinstance(entry, NotCarried):
            raise entry
        if not (isinstance(entry, dict) and isinstance(entry.get("task"), str)):
            raise NotCarried("names no task")
        fields = {"url": url, "method": "post", "name": name, "body": _body(entry)} | _times(entry, timezone)
        fields |= entry.get("fields", {})
    except NotCarried as problem:
        made.left_out.append(f"{name}: {problem}")
        return
    made.schedules[key_of(name, made.schedules)] = fields
    made.left_out += [f"{name}: {part} (the rest is carried over)" for part in _parts_left_out(entry)]


def _body(entry: dict[str, Any]) -> dict[str, Any]:
    options = {name: value for name, value in _options(entry).items() if name in CARRIED_OPTIONS}
    body = {"task": entry["task"], "args": entry.get("args"), "kwargs": entry.get("kwargs"), "options": options}
    return {name: _plain(value) for name, value in body.items() if value}


def _options(entry: dict[str, Any]) -> dict[str, Any]:
    options = entry.get("options") or {}
    return options if isinstance(options, dict) else {}


def _plain(value: Any) -> Any:
    """A value that JSON has a form for."""
    try:
        return json.loads(json.dumps(value, default=lambda span: span.total_seconds()))
    except (TypeError, ValueError, AttributeError):
        raise NotCarried(f"JSON has no form for {str(value)[:60]}") from None


def _times(entry: dict[str, Any], timezone: str | None) -> dict[str, Any]:
    when = entry.get("schedule")
    if isinstance(when, timedelta):
        when = when.total_seconds()
    if isinstance(when, dict):
        zone = when.get("timezone") or timezone
        return {"cron": when["cron"]} | ({"timezone": zone} if zone else {})
    if isinstance(when, bool) or not isinstance(when, (int, float)):
        raise NotCarried("has no schedule")
    return {"repeat_every": int(when) if float(when).is_integer() else when}


def _parts_left_out(entry: dict[str, Any]) -> list[str]:
    left_out = [f"option {name} has no counterpart" for name in _options(entry) if name not in CARRIED_OPTIONS]
    if entry.get("relative"):
        left_out.append("relative has no counterpart: an interval is counted from when it was applied")
    return left_out
