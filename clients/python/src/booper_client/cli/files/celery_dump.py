"""Reads the schedules of django-celery-beat from what `manage.py dumpdata django_celery_beat` prints."""

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from booper_client.cli.files.celery_times import PARTS, cron_of
from booper_client.cli.files.imported import NotCarried

APP = "django_celery_beat."
OPTIONS = {"queue": "queue", "priority": "priority", "expire_seconds": "expires"}
LEFT_OUT = ("exchange", "routing_key", "headers")


def entries(objects: Any) -> Iterator[tuple[str, Any]]:
    """The name of each periodic task with its members, or with the NotCarried that says what has no counterpart."""
    rows = [each for each in objects if isinstance(each, dict) and str(each.get("model", "")).startswith(APP)]
    by_key = {(row["model"].removeprefix(APP), row.get("pk")): row.get("fields") or {} for row in rows}
    for (model, number), fields in by_key.items():
        if model == "periodictask":
            name = str(fields.get("name") or f"periodictask {number}")
            try:
                yield name, _entry(fields, by_key)
            except NotCarried as problem:
                yield name, problem


def _entry(fields: dict[str, Any], by_key: dict[tuple[str, Any], dict[str, Any]]) -> dict[str, Any]:
    if not fields.get("enabled", True):
        raise NotCarried("is disabled")
    options = {name: fields[column] for column, name in OPTIONS.items() if fields.get(column) is not None}
    others = {name: fields[name] for name in LEFT_OUT if fields.get(name) not in (None, "", "{}")}
    return {
        "task": fields.get("task"),
        "args": _json(fields, "args"),
        "kwargs": _json(fields, "kwargs"),
        "schedule": _when(fields, by_key),
        "options": options | others,
        "fields": _own(fields),
    }


def _own(fields: dict[str, Any]) -> dict[str, Any]:
    """What is a field of a schedule of ours."""
    own = {
        "description": fields.get("description") or None,
        "starts_at": fields.get("start_time"),
        "until": fields.get("expires"),
        "max_runs": 1 if fields.get("one_off") else None,
    }
    return {name: value for name, value in own.items() if value is not None}


def _json(fields: dict[str, Any], name: str) -> Any:
    try:
        return json.loads(fields.get(name) or "null")
    except (ValueError, TypeError):
        raise NotCarried(f"{name} is no JSON") from None


def _when(fields: dict[str, Any], by_key: dict[tuple[str, Any], dict[str, Any]]) -> Any:
    for kind in ("solar", "clocked"):
        if fields.get(kind) is not None:
            raise NotCarried(f"a {kind} time has no counterpart")
    if (number := fields.get("interval")) is not None:
        row = _row(by_key, "intervalschedule", number)
        return timedelta(**{row["period"]: row["every"]})
    row = _row(by_key, "crontabschedule", fields.get("crontab"))
    return {"cron": cron_of({part: row.get(part, "*") for part in PARTS}), "timezone": row.get("timezone")}


def _row(by_key: dict[tuple[str, Any], dict[str, Any]], model: str, number: Any) -> dict[str, Any]:
    if isinstance(number, (int, str)) and (model, number) in by_key:
        return by_key[(model, number)]
    raise NotCarried(f"its {model} is not in the dump")
