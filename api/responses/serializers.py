"""Owns the forms of attempts and log entries in answers, and of answers as a whole; a job's is in
models/jobs/job_json.py.

Pure: rows in, JSON text out. What a client once sent is put in as text, not parsed and encoded again.
"""

from typing import Any

from api.responses.timestamps import micros_utc, seconds, seconds_utc
from models.jobs.job_json import args, compact, job, with_member
from models.jobs.log_entries import LogEntryRow
from models.jobs.records import AttemptRow
from models.schedules.firing_rows import FiringRow
from models.schedules.schedule_store import ScheduleRow

__all__ = ["args", "attempt", "data", "data_list", "firing", "job", "log_entry", "schedule", "with_member"]

STAMPS = ("started_at", "finished_at", "next_at")


def data(text: str) -> str:
    """One object's answer."""
    return f'{{"data":{text}}}'


def data_list(texts: list[str]) -> str:
    """A list's answer."""
    return f'{{"data":[{",".join(texts)}]}}'


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
    return with_member(with_member(compact(outer), "frequency", row.frequency), "args", args(row))


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
    return with_member(compact(outer), "payload", row.payload)
