"""Owns the writing of attempts and log entries, in sets, inside the transaction of the transition they record."""

import json
from collections.abc import Sequence
from typing import Any, NamedTuple

import orjson

from models.database.ids import new_id
from models.database.sql import execute, values_table

ATTEMPT_COLUMNS = (
    "job_id bigint, number int, started_at bigint, finished_at bigint, lateness_us bigint, outcome text, "
    "status_code int, reason text, dns_ms float8, connect_ms float8, tls_ms float8, first_byte_ms float8, "
    "total_ms float8, next_at bigint"
)
LOG_COLUMNS = (
    "uuid uuid, account_id bigint, job_id bigint, schedule_id uuid, event text, payload text, inserted_at bigint"
)


_slowly = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), default=json.loads).encode


class Written(bytes):
    """A part of a payload that is JSON already."""


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
    """A log entry with a fresh id; `payload` is a JSON object not yet encoded, but for its `Written` parts."""
    return LogRow(new_id(), account_id, job_id, schedule_id, event, _encoded(payload), at)


def _encoded(payload: Any) -> str:
    """`payload` as JSON; by the slow encoder what orjson refuses, such as integers beyond 64 bits."""
    try:
        return orjson.dumps(payload, default=lambda written: orjson.Fragment(bytes(written))).decode()
    except TypeError:
        return _slowly(payload)


def add_attempts(rows: Sequence[AttemptRow]) -> None:
    """Insert attempts; one already recorded under its number is left as it is."""
    _insert("attempt", ATTEMPT_COLUMNS, rows)


def add_log_entries(rows: Sequence[LogRow]) -> None:
    _insert("log_entry", LOG_COLUMNS, rows)


def _insert(table: str, columns: str, rows: Sequence[tuple[Any, ...]]) -> None:
    if not rows:
        return
    names = ", ".join(column.split()[0] for column in columns.split(", "))
    given, params = values_table(columns, rows)
    execute(
        f"INSERT INTO {table} ({names}) SELECT {names} FROM {given} AS given WHERE true ON CONFLICT DO NOTHING",
        params,
    )
