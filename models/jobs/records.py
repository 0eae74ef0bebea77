"""Writes attempts and log entries, in sets, inside the transaction of the transition they record."""

import json
from collections.abc import Sequence
from typing import Any, NamedTuple

import orjson

from models.database import settling
from models.database.base import typed_columns
from models.database.ids import new_id
from models.database.sql import execute, values_table
from models.jobs.job_tables import Attempt, LogEntry

_encode_slowly = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), default=json.loads).encode


class Written(bytes):
    """A part of a payload that is already JSON."""


class AttemptRow(NamedTuple):
    """One row of `attempt`; see models/jobs/job_tables.py for each column."""

    job_id: int
    number: int
    started_at: int
    finished_at: int
    lateness_us: int
    outcome: str
    status_code: int | None = None
    reason: str | None = None
    dns_ms: float | None = None
    connect_ms: float | None = None
    tls_ms: float | None = None
    first_byte_ms: float | None = None
    total_ms: float | None = None
    next_at: int | None = None


class LogRow(NamedTuple):
    """One row of `log_entry`."""

    uuid: str
    account_id: int
    job_id: int
    schedule_id: str | None
    event: str
    payload: str
    inserted_at: int


def log_row(account_id: int, job_id: int, schedule_id: str | None, event: str, payload: Any, at: int) -> LogRow:
    """A log entry with a fresh id; `payload` is a JSON object to encode, except for its `Written` parts."""
    return LogRow(new_id(), account_id, job_id, schedule_id, event, _encoded(payload), at)


def _encoded(payload: Any) -> str:
    """`payload` as JSON; the slow encoder takes what orjson refuses, such as integers beyond 64 bits."""
    try:
        return orjson.dumps(payload, default=_fragment).decode()
    except TypeError:
        return _encode_slowly(payload)


def _fragment(written: Written) -> orjson.Fragment:
    return orjson.Fragment(bytes(written))


def add_attempts(rows: Sequence[AttemptRow]) -> None:
    """Insert attempts; one already recorded under its number is left as it is."""
    if not rows:
        return
    columns = ", ".join(AttemptRow._fields)
    source, params = values_table(typed_columns(Attempt, AttemptRow._fields), rows)
    execute(
        f"INSERT INTO attempt ({columns}) SELECT {columns} FROM {source} AS input WHERE true ON CONFLICT DO NOTHING",
        params,
    )


def add_log_entries(rows: Sequence[LogRow]) -> None:
    """Insert log entries, each with an id that no other has. Those whose instants are raised keep the order in which
    they come."""
    if not rows:
        return
    columns = ", ".join(LogRow._fields)
    source, params = values_table(f"{typed_columns(LogEntry, LogRow._fields)}, place bigint", _placed(rows))
    values = columns.replace("inserted_at", f"{settling.raised('inserted_at - place')} + place")
    execute(
        f"INSERT INTO log_entry ({columns}) SELECT {values} FROM {source} AS input",
        (settling.earliest(), *params),
    )


def _placed(rows: Sequence[LogRow]) -> list[tuple[Any, ...]]:
    return [(*row, place) for place, row in enumerate(rows)]
