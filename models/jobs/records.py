"""Writes attempts and log entries, in sets, inside the transaction of the transition they record."""

import json
from collections.abc import Sequence
from typing import Any, NamedTuple

import orjson
from peewee import Model

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
        return orjson.dumps(payload, default=lambda written: orjson.Fragment(bytes(written))).decode()
    except TypeError:
        return _encode_slowly(payload)


def add_attempts(rows: Sequence[AttemptRow]) -> None:
    """Insert attempts; one already recorded under its number is left as it is."""
    _insert(Attempt, AttemptRow._fields, rows)


def add_log_entries(rows: Sequence[LogRow]) -> None:
    _insert(LogEntry, LogRow._fields, rows)


def _insert(table: type[Model], names: tuple[str, ...], rows: Sequence[tuple[Any, ...]]) -> None:
    if not rows:
        return
    columns = ", ".join(names)
    source, params = values_table(typed_columns(table, names), rows)
    execute(
        f"INSERT INTO {table._meta.table_name} ({columns}) SELECT {columns} FROM {source} AS input WHERE true "
        "ON CONFLICT DO NOTHING",
        params,
    )
