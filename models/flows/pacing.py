"""Reads how gates are used at this moment: requests under way, starts in the window, jobs that wait in front of them.

On PostgreSQL the clock of the database counts, since the clocks of hosts differ and a window is one for all of them.
"""

from collections.abc import Collection
from typing import NamedTuple

from models.database.connection import dialect
from models.database.settling import NOW
from models.database.sql import any_of, as_list, fetch, list_of
from models.flows.gates import Gate
from models.jobs.job_kinds import GROUP
from models.jobs.states import LIVE_SQL, WAITING_SQL
from models.rules import clock
from models.rules.limits import LANE
from models.rules.turns import Pace

UNDER_WAY = "flow_id = gate.id AND claim_id IS NOT NULL"  # also of a job cancelled under way, until its claim ends
SAME_US = 20 * clock.MILLISECOND  # clocks that differ by less count as the same
PARKED = f"parked_by = gate.id AND {WAITING_SQL} AND scheduled_at <= %s"
# A job that makes others has no place in the line of its lane: it waits, parked, only while the lane is closed.
IN_LINE = f"kind <> '{GROUP}' OR parked_by IS NOT NULL"
HAS_COME = "fire_at IS NULL OR scheduled_at <= %s"  # a schedule makes the job of its next instant in advance
OF_LANE = f"SELECT id FROM job WHERE lane_id = gate.id AND {LIVE_SQL}"
# Ordered as the index job_lane_begun is: if ordered by id, PostgreSQL would read every job that waits in the lane.
BEGUN = f"{OF_LANE} AND attempted_at IS NOT NULL AND kind <> '{GROUP}' ORDER BY attempted_at LIMIT 1"
HEAD = f"SELECT COALESCE(({BEGUN}), ({OF_LANE} AND ({IN_LINE}) AND ({HAS_COME}) ORDER BY id LIMIT 1))"
SIGNED = "CASE WHEN staged_at IS NULL THEN id ELSE -id END"  # below zero: a message names it
OLDEST = "gate_id = gate.id AND number > gate.starts - gate.rate AND number <= gate.starts - gate.rate + %s"


class Use(NamedTuple):
    """How a gate is used. `head`: of a lane the job whose turn it is: what has begun, else what was created first.
    `parked`: the first jobs that wait at the gate and are due, in their order, of a lane only its head; `staged`: those
    of them that a message names."""

    pace: Pace
    head: int | None
    parked: list[int]
    staged: set[int]


class Uses(NamedTuple):
    """How gates are used, by their ids. `read_at`: the instant at which that was read, by the clock that counts;
    `ahead_us`: how far that clock is ahead of this host's."""

    of: dict[int, Use]
    read_at: int
    ahead_us: int = 0


def uses(gates: Collection[Gate], looked_at: int, now: int) -> Uses:
    """The use of each gate, as far as its next `looked_at` jobs need."""
    if not gates:
        return Uses({}, now)
    these, params = any_of("gate.id", sorted(gate.id for gate in gates))
    oldest = f"SELECT started_at AS value FROM gate_start WHERE {OLDEST} ORDER BY number"
    parked = f"SELECT {SIGNED} AS value FROM job WHERE {PARKED} ORDER BY scheduled_at, id LIMIT %s"
    head_parked = f"SELECT {SIGNED} AS value FROM job WHERE id = ({HEAD}) AND {PARKED}"
    rows = fetch(
        f"SELECT gate.id, {NOW if dialect() == 'postgresql' else 'NULL'}, "
        f"CASE WHEN concurrency IS NULL THEN 0 ELSE (SELECT count(*) FROM job WHERE {UNDER_WAY}) END, "
        f"CASE WHEN rate IS NULL THEN NULL ELSE {list_of(oldest)} END, "
        f"CASE WHEN kind <> '{LANE}' THEN NULL ELSE ({HEAD}) END, "
        f"CASE WHEN kind = '{LANE}' THEN {list_of(head_parked)} ELSE {list_of(parked)} END FROM gate WHERE {these}",
        (looked_at, now, now, now, now, looked_at, params),
    )
    read_at = clock.now()
    ahead_us = _ahead_us([row[1] for row in rows])
    known = {gate.id: gate for gate in gates}
    return Uses({row[0]: _use(known[row[0]], row, looked_at) for row in rows}, read_at + ahead_us, ahead_us)


def read_clock() -> Uses:
    """The clock that counts, without a gate."""
    rows = fetch(f"SELECT {NOW}") if dialect() == "postgresql" else []
    ahead_us = _ahead_us([row[0] for row in rows])
    return Uses({}, clock.now() + ahead_us, ahead_us)


def _use(gate: Gate, row: tuple[object, ...], looked_at: int) -> Use:
    _, _, under_way, oldest, head, parked = row
    assert isinstance(under_way, int)
    signed = as_list(parked)
    room = None if gate.concurrency is None else max(0, gate.concurrency - under_way)
    if gate.rate is None:
        pace = Pace(room=room)
    else:
        predecessors = as_list(oldest)
        free = min(looked_at, gate.rate) - len(predecessors)
        pace = Pace(gate.rate, gate.per_us or 0, free, predecessors, room)
    staged = {-job_id for job_id in signed if job_id < 0}
    return Use(pace, head if isinstance(head, int) else None, [abs(job_id) for job_id in signed], staged)


def _ahead_us(read: list[int | None]) -> int:
    """How far the clock of the database is ahead of this host's; 0 for a difference that the way of the answer may
    explain. Compared with this host's clock as it is now: the caller's `now` may be from before it waited for the
    gates, and a start that is counted too early leaves its window too early."""
    latest = max((instant for instant in read if instant is not None), default=None)
    ahead_us = 0 if latest is None else latest - clock.wall_clock()
    return ahead_us if abs(ahead_us) > SAME_US else 0
