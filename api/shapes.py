"""Owns the forms of jobs, attempts and log entries in answers: exact key sets, the three timestamp forms.

Pure: rows in, JSON text out. What a client once sent is put in as text, not parsed and encoded again.
"""

import json
from typing import Any

from api.answers import encode
from api.orders import JSON_TYPE
from api.timestamps import micros_utc, seconds, seconds_utc
from models.firings import FiringRow
from models.jobs import JobRow
from models.log_entries import LogEntryRow
from models.records import AttemptRow
from models.schedules import ScheduleRow

STAMPS = ("started_at", "finished_at", "next_at")


def data(text: str) -> str:
    """One object's answer."""
    return f'{{"data":{text}}}'


def data_list(texts: list[str]) -> str:
    """A list's answer."""
    return f'{{"data":[{",".join(texts)}]}}'


def job(row: JobRow, user_id: str, has_conflict: bool = False) -> str:
    """A job: ten outer and nine inner keys."""
    outer = {
        "id": row.uuid,
        "idempotency_key": row.idempotency_key,
        "inserted_at": seconds(row.inserted_at),
        "name": row.name,
        "description": row.description,
        "user_id": user_id,
        "schedule_id": row.schedule_id,
        "job_id": row.id,
        "job": {
            "attempted_at": micros_utc(row.attempted_at),
            "cancelled_at": micros_utc(row.cancelled_at),
            "completed_at": micros_utc(row.completed_at),
            "discarded_at": micros_utc(row.discarded_at),
            "has_confict": has_conflict,  # spelled so in the original
            "id": row.id,
            "inserted_at": micros_utc(row.inserted_at),
            "scheduled_at": micros_utc(row.scheduled_at),
            "state": row.state,
        },
    }
    return with_member(encode(outer), "args", args(row))


def schedule(row: ScheduleRow, user_id: str) -> str:
    """A schedule: eight keys."""
    outer = {
        "id": row.id,
        "name": row.name,
        "description": row.description,
        "inserted_at": seconds(row.inserted_at),
        "disabled_at": seconds_utc(row.disabled_at),
        "user_id": user_id,
    }
    return with_member(with_member(encode(outer), "frequency", row.frequency), "args", args(row))


def firing(row: FiringRow) -> dict[str, Any]:
    """What came of an instant, or of `count` of them from `fire_at` to `until`."""
    return {
        "fire_at": micros_utc(row.fire_at),
        "status": row.status,
        "job_id": row.job_id,
        "lateness_ms": None if row.lateness_us is None else row.lateness_us / 1000,
        "decided_at": micros_utc(row.decided_at),
        "until": micros_utc(row.until_at),
        "count": row.instants if row.until_at else 1,
    }


def args(row: JobRow | ScheduleRow) -> str:
    """The request as the client sent it, its body included."""
    if row.body is None:
        return row.args
    text = row.body.decode()
    return with_member(row.args, "body", text if row.content_type == JSON_TYPE else encode(text))


def attempt(row: AttemptRow) -> dict[str, Any]:
    """An attempt: the columns of its row, times in milliseconds."""
    shape = row._asdict() | {name: micros_utc(getattr(row, name)) for name in STAMPS}
    del shape["job_id"]
    shape["lateness_ms"] = shape.pop("lateness_us") / 1000
    return shape


def log_entry(row: LogEntryRow, user_id: str) -> str:
    """A log entry with its six keys."""
    outer = {
        "event": row.event,
        "id": row.uuid,
        "inserted_at": micros_utc(row.inserted_at),
        "job_id": row.job_id,
        "user_id": user_id,
    }
    return with_member(encode(outer), "payload", row.payload)


def with_member(json_object: str, name: str, json_value: str) -> str:
    """A JSON object's text with one more member, whose value is text already."""
    comma = "" if json_object == "{}" else ","
    return f"{json_object[:-1]}{comma}{json.dumps(name)}:{json_value}}}"
