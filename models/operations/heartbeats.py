"""Records and reads signs of life: sending processes, queue depths, and what each minute brought.

Each row has one writer, so nobody waits for anybody: a process writes its own rows, the leading ticker the depths.
Every write sets the whole row, so it may be repeated. Only the minutes of listeners are added to (`listening/`).
The dashboard and `models/operations/explain.py` read them.
"""

import json
from collections.abc import Iterable
from typing import NamedTuple

from models.database.base import read_rows, typed_columns
from models.database.sql import execute, values_table
from models.database.transactions import transaction
from models.operations.heartbeat_tables import MinuteStat, QueueDepth, Worker
from models.rules import lateness
from models.rules.clock import DAY, HOUR, MINUTE, SECOND

ALIVE_US = 15 * SECOND  # a process without a heartbeat for so long counts as dead
WORKERS_KEPT_US = DAY
MINUTES_KEPT_US = 25 * HOUR  # then an hour has one row
HOURS_KEPT_US = 8 * DAY
MAX_WORKERS = 1000
ONLY_ROW = 1
FOLDED = "hour"  # in the place of a process: the row counts an hour of all of them


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
    """Record that a sending process is alive."""
    with transaction():
        row = Worker.insert(**worker._asdict())
        row.on_conflict(conflict_target=[Worker.id], preserve=[Worker.slots_in_use, Worker.seen_at]).execute()


def remove_worker(worker_id: str) -> None:
    """Remove the row of a sending process that stopped in order."""
    with transaction():
        Worker.delete().where(Worker.id == worker_id).execute()


def record_depths(depths: Depths) -> None:
    with transaction():
        row = QueueDepth.insert(id=ONLY_ROW, **depths._asdict())
        values = [QueueDepth.ready, QueueDepth.delayed, QueueDepth.dead, QueueDepth.seen_at]
        row.on_conflict(conflict_target=[QueueDepth.id], preserve=values).execute()


def record_minutes(rows: Iterable[MinuteRow]) -> None:
    """Write the totals of minutes; a later total of the same minute replaces the earlier one."""
    source, params = values_table(typed_columns(MinuteStat, MinuteRow._fields), list(rows))
    names = ", ".join(MinuteRow._fields)
    with transaction():
        execute(
            f"INSERT INTO minute_stat ({names}) SELECT {names} FROM {source} AS input WHERE true "
            "ON CONFLICT (account_id, minute_at, worker_id) DO UPDATE SET completed = excluded.completed, "
            "failed = excluded.failed, lateness = excluded.lateness",
            params,
        )


def prune(now: int) -> None:
    """Delete the rows of processes long silent, fold those of minutes long past, delete those of hours long past."""
    with transaction():
        Worker.delete().where(Worker.seen_at < now - WORKERS_KEPT_US).execute()
        _fold_minutes(now)
        MinuteStat.delete().where(MinuteStat.minute_at < now - HOURS_KEPT_US).execute()


def _fold_minutes(now: int) -> None:
    """Make one row of an hour's minutes. It has counts alone: nothing reads the lateness of so long ago."""
    before, hour = (now - MINUTES_KEPT_US) // HOUR * HOUR, f"minute_at / {HOUR} * {HOUR}"
    execute(
        "INSERT INTO minute_stat (account_id, minute_at, worker_id, completed, failed, lateness) "
        f"SELECT account_id, {hour}, '{FOLDED}', sum(completed), sum(failed), '[]' FROM minute_stat "
        f"WHERE minute_at < %s AND worker_id <> '{FOLDED}' GROUP BY account_id, {hour} "
        "ON CONFLICT (account_id, minute_at, worker_id) DO UPDATE SET "
        "completed = minute_stat.completed + excluded.completed, failed = minute_stat.failed + excluded.failed",
        (before,),
    )
    MinuteStat.delete().where(MinuteStat.minute_at < before, MinuteStat.worker_id != FOLDED).execute()


def workers() -> list[WorkerRow]:
    """Every process heard of within a day, the one heard last first."""
    rows = Worker.select().order_by(Worker.seen_at.desc(), Worker.id).limit(MAX_WORKERS)
    return read_rows(WorkerRow, rows)


def alive(rows: Iterable[WorkerRow], now: int) -> list[WorkerRow]:
    return [row for row in rows if row.seen_at >= now - ALIVE_US]


def depths() -> Depths | None:
    """The latest measurement; None before the first."""
    row = QueueDepth.get_or_none(QueueDepth.id == ONLY_ROW)
    return None if row is None else Depths(row.ready, row.delayed, row.dead, row.seen_at)


def minutes(account_id: int, now: int, count: int) -> list[Minute]:
    """The account's last `count` minutes, oldest first, the present one last."""
    last = now - now % MINUTE
    first = last - (count - 1) * MINUTE
    by_minute: dict[int, list[MinuteStat]] = {}
    for row in MinuteStat.select().where(
        MinuteStat.account_id == account_id, MinuteStat.minute_at.between(first, last)
    ):
        by_minute.setdefault(row.minute_at, []).append(row)
    return [_minute(at, by_minute.get(at, [])) for at in range(first, last + 1, MINUTE)]


def lateness_within(account_id: int, first: int, last: int, part: float) -> float | None:
    """The lateness that `part` (0 to 1) of the attempts of these minutes do not exceed; None without attempts."""
    rows = MinuteStat.select(MinuteStat.lateness).where(
        MinuteStat.account_id == account_id, MinuteStat.minute_at.between(first, last)
    )
    return lateness.percentile(lateness.together(json.loads(row.lateness) for row in rows), part)


def _minute(minute_at: int, rows: list[MinuteStat]) -> Minute:
    counts = lateness.together(json.loads(row.lateness) for row in rows)
    p50_us, p99_us = lateness.percentile(counts, 0.5), lateness.percentile(counts, 0.99)
    return Minute(minute_at, sum(row.completed for row in rows), sum(row.failed for row in rows), p50_us, p99_us)
