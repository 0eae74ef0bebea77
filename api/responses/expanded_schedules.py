"""Writes what a request with `expand` adds to schedules; without it they have the keys of the contract."""

from collections.abc import Sequence
from typing import Any

from marshmallow import Schema, fields

from api.responses import schemas
from api.responses.timestamps import micros_utc
from models.jobs.job_json import compact, with_member
from models.schedules import health
from models.schedules.health import Health
from models.schedules.schedule_store import ScheduleRow

HEALTH, KEY = "health", "key"
EXPANSIONS = (HEALTH, KEY)


class LastResult(Schema):
    fire_at = schemas.instant()
    job_id = fields.Integer()
    state = fields.String(metadata={"enum": list(health.ENDED)})


class ScheduleHealth(Schema):
    state = fields.String(metadata={"enum": list(health.STATES)})
    next_at = schemas.instant(allow_none=True)
    last_result = fields.Nested(LastResult, allow_none=True)
    failures_in_a_row = fields.Integer()
    success_rate = fields.Float(allow_none=True, metadata={"description": "Of the last 60 runs, those that ended."})


def expanded(account_id: int, texts: Sequence[str], rows: Sequence[ScheduleRow], expand: Sequence[str]) -> list[str]:
    """The account's schedules as JSON, each with what `expand` names."""
    if HEALTH in expand:
        texts = with_health(account_id, texts, rows)
    if KEY in expand:
        texts = [with_member(text, KEY, compact(row.key)) for text, row in zip(texts, rows, strict=True)]
    return list(texts)


def with_health(account_id: int, texts: Sequence[str], rows: Sequence[ScheduleRow]) -> list[str]:
    """The account's schedules as JSON, each with its health."""
    healths = health.of_schedules(account_id, rows)
    return [
        with_member(text, HEALTH, compact(_members(healths[row.id]))) for text, row in zip(texts, rows, strict=True)
    ]


def _members(schedule_health: Health) -> dict[str, Any]:
    last = schedule_health.last
    return {
        "state": schedule_health.state,
        "next_at": micros_utc(schedule_health.next_at),
        "last_result": last and {"fire_at": micros_utc(last.fire_at), "job_id": last.job_id, "state": last.result},
        "failures_in_a_row": schedule_health.failures,
        "success_rate": schedule_health.success_rate,
    }
