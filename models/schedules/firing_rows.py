"""Stores and lists the rows of `firing`: what happened at each instant of a schedule.

An instant with a job gets its row when that job is first claimed or is cancelled. The planner writes the row of an
instant without a job.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

from models.database.base import typed_columns
from models.database.connection import dialect
from models.database.sql import any_of, execute, fetch, skipping_locked, values_table
from models.database.transactions import transaction
from models.schedules import health_events
from models.schedules.health_events import HealthEventRow
from models.schedules.schedule_tables import Firing

FIRED, LATE, OVERLAPPED = "fired", "late", "skipped_overlap"
MISFIRED, MISSED, PAUSED, DISABLED, CANCELLED = "skipped_misfire", "missed_down", "paused", "disabled", "cancelled"
BACKFILLED = "backfilled"
STATUSES = (FIRED, LATE, OVERLAPPED, MISFIRED, MISSED, PAUSED, DISABLED, CANCELLED, BACKFILLED)
HAVE_RUN = (FIRED, LATE, BACKFILLED)
ORDERS = {"fire_at": ("fire_at", False), "decided_at": ("decided_at", False), "status": ("status", False)}
MEANT = (MISFIRED, MISSED)  # instants without a run that nobody asked to leave out
LATEST_LIMIT = 60
LOOKUPS = 400  # of one statement: SQLite takes no UNION of more than 500 parts


class FiringRow(NamedTuple):
    """One row of `firing`; see models/schedules/schedule_tables.py for each column."""

    schedule_id: str
    fire_at: int
    status: str
    job_id: int | None
    lateness_us: int | None
    decided_at: int
    until_at: int | None = None
    instants: int | None = None


NAMES = ", ".join(FiringRow._fields)


def add(rows: Sequence[FiringRow]) -> None:
    """Insert rows; an instant that has one keeps it. Alert rules get to know of starts and of missed instants."""
    if not rows:
        return
    table, params = values_table(typed_columns(Firing, FiringRow._fields), rows)
    execute(
        f"INSERT INTO firing ({NAMES}) SELECT {NAMES} FROM {table} AS input WHERE true ON CONFLICT DO NOTHING", params
    )
    health_events.add([event for row in rows if (event := _health_event(row))])


def add_cancelled(ids: Sequence[int], status: str, now: int) -> None:
    """Insert the rows of jobs that were cancelled before any attempt. An instant that was made up for has one."""
    these, params = any_of("id", ids)
    execute(
        f"INSERT INTO firing ({NAMES}) SELECT schedule_id, fire_at, CAST(%s AS TEXT), id, CAST(NULL AS BIGINT), "
        "CAST(%s AS BIGINT), CAST(NULL AS BIGINT), CAST(NULL AS BIGINT) FROM job "
        f"WHERE {these} AND fire_at IS NOT NULL AND attempted_at IS NULL "
        "ON CONFLICT (schedule_id, fire_at) DO UPDATE SET status = excluded.status, decided_at = excluded.decided_at "
        f"WHERE firing.status = '{BACKFILLED}' AND firing.job_id = excluded.job_id",
        (status, now, params),
    )
    if status in MEANT:
        missed = fetch(f"SELECT schedule_id, fire_at FROM job WHERE {these} AND fire_at IS NOT NULL", (params,))
        health_events.add([HealthEventRow(str(key), health_events.MISSED, now, 1) for key, _ in missed])


def has_run(schedule_id: str, fire_at: int) -> bool:
    """Whether a job of the instant began, or is to make up for it."""
    rows = fetch("SELECT status FROM firing WHERE schedule_id = %s AND fire_at = %s", (schedule_id, fire_at))
    return any(status in HAVE_RUN for (status,) in rows)


def mark_backfilled(schedule_id: str, fire_at: int, job_id: int, following: int | None, now: int) -> None:
    """Say of an instant that a job makes up for it. A row of many instants then begins with the following one."""
    many = "schedule_id = %s AND fire_at = %s AND until_at IS NOT NULL"
    if following is not None:
        moved = "UPDATE firing SET fire_at = %s, instants = instants - 1"
        execute(f"{moved} WHERE {many} AND until_at >= %s", (following, schedule_id, fire_at, following))
    execute(
        f"INSERT INTO firing ({NAMES}) VALUES (%s, %s, %s, %s, NULL, %s, NULL, NULL) "
        "ON CONFLICT (schedule_id, fire_at) DO UPDATE SET status = excluded.status, job_id = excluded.job_id, "
        "lateness_us = NULL, decided_at = excluded.decided_at, until_at = NULL, instants = NULL",
        (schedule_id, fire_at, BACKFILLED, job_id, now),
    )


def list_firings(
    schedule_id: str, status: str | None, order: tuple[str, str], limit: int, offset: int
) -> list[FiringRow]:
    """A page of a schedule's rows. `order`: a name in ORDERS and "asc" or "desc"; ties by instant."""
    where, params = "schedule_id = %s", [schedule_id]
    if status:
        where, params = f"{where} AND status = %s", [*params, status]
    column, direction = ORDERS[order[0]][0], order[1].upper()
    by = f"{column} {direction}" if column == "fire_at" else f"{column} {direction}, fire_at {direction}"
    rows = fetch(f"SELECT {NAMES} FROM firing WHERE {where} ORDER BY {by} LIMIT %s OFFSET %s", (*params, limit, offset))
    return [FiringRow(str(row[0]), *row[1:]) for row in rows]


def latest(schedule_ids: Sequence[str], limit: int = LATEST_LIMIT) -> dict[str, list[FiringRow]]:
    """The latest rows of each schedule that has any, at most `limit`, oldest first.

    Each look-up is a short one in the primary key, so that a long history costs nothing.
    """
    few = f"SELECT {NAMES} FROM firing WHERE schedule_id = {{}} ORDER BY fire_at DESC LIMIT {limit}"
    rows: dict[str, list[FiringRow]] = {}
    for first in range(0, len(schedule_ids), LOOKUPS):
        for row in _looked_up(few, list(schedule_ids[first : first + LOOKUPS])):
            rows.setdefault(str(row[0]), []).append(FiringRow(*row))
    return {key: sorted(firings, key=lambda firing: firing.fire_at) for key, firings in rows.items()}


def _looked_up(few: str, ids: list[str]) -> list[Any]:
    """What `few` gives for each id. SQLite has no LATERAL, and PostgreSQL plans a long UNION slowly."""
    if dialect() == "sqlite":
        return fetch(" UNION ALL ".join([f"SELECT * FROM ({few.format('%s')}) AS few"] * len(ids)), ids)
    table, params = values_table("id uuid", [(each,) for each in ids])
    lookup = few.format("input.id")
    return fetch(f"SELECT few.* FROM {table} AS input CROSS JOIN LATERAL ({lookup}) AS few", params)


def prune(decided_before: int, limit: int) -> int:
    """Delete rows decided before an instant, those of deleted schedules among them; returns how many."""
    with transaction():
        return execute(
            "DELETE FROM firing WHERE (schedule_id, fire_at) IN "
            "(SELECT schedule_id, fire_at FROM firing WHERE decided_at < %s ORDER BY decided_at LIMIT %s"
            f"{skipping_locked()})",
            (decided_before, limit),
        )


def _health_event(row: FiringRow) -> HealthEventRow | None:
    """What the row means to alert rules; None: nothing."""
    if row.status in (FIRED, LATE):
        return HealthEventRow(
            row.schedule_id, health_events.BEGUN, row.decided_at, row.lateness_us or 0, matters=int(row.status == LATE)
        )
    if row.status in MEANT:
        return HealthEventRow(row.schedule_id, health_events.MISSED, row.decided_at, row.instants or 1)
    return None
