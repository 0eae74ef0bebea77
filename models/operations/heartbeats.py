"""Owns the signs of life of the machinery: sending processes, queue depths, and what each minute brought.

Written by `workers/` (each process its own rows, the leading ticker the depths), read by the dashboard and by
`models/operations/explain.py`. Every write is the whole of what the row shall say, so it may be repeated. Nobody waits
for anybody: a row has one writer.
"""

import json
from collections.abc import Iterable
from typing import NamedTuple

from models.database.sql import execute, fetch, values_table
from models.database.transactions import transaction
from models.rules import lateness
from models.rules.clock import DAY, HOUR, MINUTE, SECOND

ALIVE_US = 15 * SECOND  # a process that said nothing for so long counts as dead
WORKERS_KEPT_US = DAY
MINUTES_KEPT_US = 25 * HOUR


class WorkerRow(NamedTuple):
    """A process that sends. `id`: a fresh UUID for each start; `slots_in_use`: requests under way."""

    id: str
    host: str
    pid: int
    version: str
    slots: int
    slots_in_use: int
    started_at: int
    seen_at: int


class Depths(NamedTuple):
    """Messages in the broker: ready to be taken, delayed, and dead (given up by Dramatiq)."""

    ready: int
    delayed: int
    dead: int
    seen_at: int


class MinuteRow(NamedTuple):
    """What one process recorded for one account in the minute that began at `minute_at`; `lateness` is JSON."""

    account_id: int
    minute_at: int
    worker_id: str
    completed: int
    failed: int
    lateness: str


class Minute(NamedTuple):
    """What a minute brought an account. `p50_us`, `p99_us`: lateness; None when nothing was attempted."""

    minute_at: int
    completed: int
    failed: int
    p50_us: float | None
    p99_us: float | None


def record_heartbeat(worker: WorkerRow) -> None:
    """Note that a sending process lives."""
    with transaction():
        execute(
            "INSERT INTO worker (id, host, pid, version, slots, slots_in_use, started_at, seen_at) "
            "VALUES (%s, %s, %s, %s, %s, %s, %s, %s) ON CONFLICT (id) DO UPDATE SET "
            "slots_in_use = excluded.slots_in_use, seen_at = excluded.seen_at",
            worker,
        )


def remove_worker(worker_id: str) -> None:
    """Note that a sending process ended as it should."""
    with transaction():
        execute("DELETE FROM worker WHERE id = %s", (worker_id,))


def record_depths(depths: Depths) -> None:
    with transaction():
        execute(
            "INSERT INTO queue_depth (id, ready, delayed, dead, seen_at) VALUES (1, %s, %s, %s, %s) "
            "ON CONFLICT (id) DO UPDATE SET ready = excluded.ready, delayed = excluded.delayed, dead = excluded.dead, "
            "seen_at = excluded.seen_at",
            depths,
        )


def record_minutes(rows: Iterable[MinuteRow]) -> None:
    """Write the totals of minutes; a later total of the same minute takes the place of the earlier."""
    columns = "account_id bigint, minute_at bigint, worker_id text, completed int, failed int, lateness text"
    given, params = values_table(columns, list(rows))
    names = ", ".join(MinuteRow._fields)
    with transaction():
        execute(
            f"INSERT INTO minute_stat ({names}) SELECT {names} FROM {given} AS given WHERE true "
            "ON CONFLICT (account_id, minute_at, worker_id) DO UPDATE SET completed = excluded.completed, "
            "failed = excluded.failed, lateness = excluded.lateness",
            params,
        )


def prune(now: int) -> None:
    """Delete the rows of processes long silent and of minutes long past."""
    with transaction():
        execute("DELETE FROM worker WHERE seen_at < %s", (now - WORKERS_KEPT_US,))
        execute("DELETE FROM minute_stat WHERE minute_at < %s", (now - MINUTES_KEPT_US,))


def workers() -> list[WorkerRow]:
    """Every process heard of within a day, the one heard last first."""
    columns = ", ".join(WorkerRow._fields)
    return [WorkerRow(*row) for row in fetch(f"SELECT {columns} FROM worker ORDER BY seen_at DESC, id LIMIT 1000")]


def alive(rows: Iterable[WorkerRow], now: int) -> list[WorkerRow]:
    return [row for row in rows if row.seen_at >= now - ALIVE_US]


def depths() -> Depths | None:
    """The latest measurement; None before the first."""
    rows = fetch("SELECT ready, delayed, dead, seen_at FROM queue_depth WHERE id = 1")
    return Depths(*rows[0]) if rows else None


def minutes(account_id: int, now: int, count: int) -> list[Minute]:
    """The account's last `count` minutes, oldest first, the present one last."""
    last = now - now % MINUTE
    first = last - (count - 1) * MINUTE
    found: dict[int, list[tuple[int, int, str]]] = {}
    sql = (
        "SELECT minute_at, completed, failed, lateness FROM minute_stat WHERE account_id = %s AND minute_at >= %s "
        "AND minute_at <= %s"
    )
    for minute_at, *row in fetch(sql, (account_id, first, last)):
        found.setdefault(minute_at, []).append((row[0], row[1], row[2]))
    return [_minute(at, found.get(at, [])) for at in range(first, last + 1, MINUTE)]


def _minute(minute_at: int, parts: list[tuple[int, int, str]]) -> Minute:
    counts = lateness.together(json.loads(part[2]) for part in parts)
    p50_us, p99_us = lateness.percentile(counts, 0.5), lateness.percentile(counts, 0.99)
    return Minute(minute_at, sum(part[0] for part in parts), sum(part[1] for part in parts), p50_us, p99_us)
