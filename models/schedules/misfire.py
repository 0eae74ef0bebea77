"""Applies the one rule for instants at which no job could begin in time, wherever that is noticed.

An instant is missed when its job is more than a minute late, whatever stood still: the ticker, the workers or the
database. Each instant that is not missed gets its job. Of those that were missed, the latest begin, as many as the
policy says; the others, and those older than `catch_up`, do not. The planner applies the rule to instants that have no
job yet, the claim to jobs that wait. The caller has locked the schedules' rows.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from models.database.sql import fetch, values_table
from models.database.transactions import transaction
from models.jobs.states import LIVE_SQL, UNDER_WAY_SQL, WAITING_SQL
from models.rules.lateness import LATE_AFTER_US
from models.schedules.cancel import cancel
from models.schedules.firing_rows import MISFIRED, MISSED, OVERLAPPED, PAUSED
from models.schedules.policies import MISFIRE_ALL, MISFIRE_ONCE, MISFIRE_SKIP

BEGIN_AT_MOST = {MISFIRE_SKIP: 0, MISFIRE_ONCE: 1, MISFIRE_ALL: 100}  # of the instants that were missed
TOO_LATE = "it could not begin in time"
WAITED_TOO_LONG = "another job of its schedule was under way"
EXPIRED = f"start_by IS NOT NULL AND job.{WAITING_SQL} AND start_by >= %s AND start_by < %s"
HELD_BACK = "it could not begin in time, because it was held back by a pause"
REASONS = {OVERLAPPED: WAITED_TOO_LONG, MISFIRED: TOO_LATE, MISSED: TOO_LATE, PAUSED: HELD_BACK}
# Also where it was parked at its lane, behind another job that its paused flow holds back.
IS_PAUSED = (
    "EXISTS (SELECT 1 FROM gate WHERE (gate.id = job.parked_by "
    "OR (gate.id IN (job.flow_id, job.lane_id) AND gate.paused_at <= job.start_by)) "
    "AND gate.paused_at IS NOT NULL AND (gate.paused_until IS NULL OR gate.paused_until > job.start_by))"
)


class Room(NamedTuple):
    """How many missed jobs of a schedule may wait, and how long after their instants its jobs are due."""

    jobs: int
    offset_us: int


def window_us(misfire: str, catch_up_us: int) -> int:
    """How long after its time a job may still begin."""
    return max(catch_up_us, LATE_AFTER_US) if BEGIN_AT_MOST[misfire] else LATE_AFTER_US


def latest(misfire: str, missed: Sequence[int]) -> list[int]:
    """Those of the missed instants, oldest first, for which a job is made."""
    return list(missed[max(0, len(missed) - BEGIN_AT_MOST[misfire]) :])


def cancel_surplus(rooms: Mapping[str, Room], now: int) -> int:
    """Cancel the oldest of the schedules' waiting jobs that were missed, where more wait than may; returns how many."""
    surplus = _surplus(rooms, now)
    return len(cancel(surplus, TOO_LATE, MISFIRED, now, if_free=True)) if surplus else 0


def _surplus(rooms: Mapping[str, Room], now: int) -> list[int]:
    """Counted by the database: after an outage each claim would read all that waits. See ReadyJob.is_missed."""
    if not rooms:
        return []
    values = [(key, room.jobs, now - LATE_AFTER_US - room.offset_us) for key, room in rooms.items()]
    table, params = values_table("schedule uuid, room bigint, before bigint", values)
    newest_first = "row_number() OVER (PARTITION BY schedule_id ORDER BY fire_at DESC, id DESC)"
    missed = (
        f"SELECT id, room, fire_at, {newest_first} AS place FROM {table} AS input "
        f"JOIN job ON schedule_id = input.schedule WHERE {WAITING_SQL} AND {LIVE_SQL} AND schedule_id IS NOT NULL "
        "AND fire_at < input.before AND attempted_at IS NULL AND start_by >= %s"
    )
    rows = fetch(f"SELECT id FROM ({missed}) AS missed WHERE place > room ORDER BY fire_at", (*params, now))
    return [row[0] for row in rows]


def first_expired(first: int, now: int) -> int | None:
    """The first last moment, from `first` until `now`, of a job that has not begun; None: there is none."""
    sql = f"SELECT start_by FROM job WHERE {EXPIRED} ORDER BY start_by LIMIT 1"
    return next((start_by for (start_by,) in fetch(sql, (first, now))), None)


def expire(now: int, limit: int, first: int = 0) -> int:
    """Cancel jobs that were not begun by their last moment, from `first` on, except those that another session holds;
    returns how many."""
    rows = fetch(
        "SELECT job.id, job.start_by, schedule.misfire, schedule.catch_up_us, EXISTS (SELECT 1 FROM job AS other "
        f"WHERE other.schedule_id = job.schedule_id AND other.{UNDER_WAY_SQL}), {IS_PAUSED} "
        "FROM job LEFT JOIN schedule ON schedule.id = job.schedule_id "
        f"WHERE {EXPIRED} ORDER BY start_by LIMIT %s",
        (first, now, limit),
    )
    if not rows:
        return 0
    late: dict[str, list[int]] = {}
    for job_id, start_by, misfire, catch_up_us, behind_another, is_paused in rows:
        is_recent = misfire == MISFIRE_SKIP and start_by - LATE_AFTER_US >= now - catch_up_us
        status = OVERLAPPED if behind_another else PAUSED if is_paused else MISFIRED if is_recent else MISSED
        late.setdefault(status, []).append(job_id)
    with transaction():
        return sum(len(cancel(ids, REASONS[status], status, now, if_free=True)) for status, ids in late.items())
