"""Parks jobs that may not pass a gate yet, and takes those out again whose turn has come.

A parked job is held back without an end, so the stager does not see it and 100,000 of them cost it nothing. The gate
brings it back: whoever makes room wakes the gate, and the ticker stages the next jobs of gates that are awake.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

from models.database.sql import any_of, execute, fetch, skipping_locked, values_table
from models.database.transactions import transaction
from models.flows import gates, pacing
from models.flows.gates import FAR, Gate
from models.flows.pacing import Use
from models.jobs import staging
from models.jobs.staging import DueJob
from models.jobs.states import WAITING_SQL
from models.rules import clock
from models.rules.limits import ACCOUNT, HOST, LANE
from models.rules.turns import turn

GATES_AT_ONCE = 200
JOBS_AT_ONCE = 100  # of one gate
RETURN_EVERY_US = clock.SECOND // 4  # jobs of a host that opens again return in small groups
RETURN_AT_ONCE = 25


class Turn(NamedTuple):
    """When a parked job may start, at the earliest."""

    job_id: int
    at: int


def park(jobs: Mapping[int, Collection[int]]) -> None:
    """Park jobs, by the id of the gate at which they wait."""
    rows = [(job_id, gate_id) for gate_id, ids in jobs.items() for job_id in ids]
    if not rows:
        return
    table, params = values_table("id bigint, gate_id bigint", rows)
    execute(
        f"UPDATE job SET staged_at = NULL, held_until = CAST(%s AS BIGINT), parked_by = input.gate_id FROM {table} AS input "
        f"WHERE job.id = input.id AND {WAITING_SQL}",
        (FAR, *params),
    )


def stage_next(now: int, until: int) -> list[DueJob]:
    """Mark the parked jobs that may pass their gates by `until`, each for the instant of its turn; soonest first."""
    awake = _take_awake(until)
    if not awake:
        return []
    uses, read_at = pacing.uses(awake, JOBS_AT_ONCE, max(now, until))
    turns = [each for gate in awake for each in _turns(gate, uses[gate.id], read_at, until)]
    with transaction():
        return staging.stage_parked([(each.job_id, max(each.at, now)) for each in turns])


def wake_at(instants: Mapping[int, int | None]) -> None:
    """Have the ticker look at these gates at these instants, by gate id; None: not before somebody wakes the gate."""
    if not instants:
        return
    table, params = values_table("id bigint, at bigint", sorted(instants.items()))
    execute(f"UPDATE gate SET wake_at = input.at FROM {table} AS input WHERE gate.id = input.id", params)


def wake_forgotten(now: int, limit: int = 1000) -> int:
    """Wake gates at which jobs wait although nothing is known to wake them: the process that should have, crashed."""
    with transaction():
        return execute(
            f"UPDATE gate SET wake_at = %s WHERE id IN (SELECT id FROM gate AS idle WHERE wake_at IS NULL "
            f"AND (closed_until IS NULL OR closed_until <= %s) "
            f"AND EXISTS (SELECT 1 FROM job WHERE parked_by = idle.id AND {WAITING_SQL}) "
            f"ORDER BY id LIMIT %s{skipping_locked()})",
            (now, now, limit),
        )


def _take_awake(until: int) -> list[Gate]:
    """The gates that are to be looked at by `until`, which are not awake any more then."""
    sql = (
        f"SELECT id FROM gate WHERE wake_at IS NOT NULL AND wake_at <= %s ORDER BY wake_at LIMIT %s{skipping_locked()}"
    )
    if not fetch("SELECT 1 FROM gate WHERE wake_at IS NOT NULL AND wake_at <= %s LIMIT 1", (until,)):
        return []
    with transaction():
        these, params = any_of("id", sorted(row[0] for row in fetch(sql, (until, GATES_AT_ONCE))))
        rows = fetch(f"UPDATE gate SET wake_at = NULL WHERE {these} RETURNING {gates.COLUMNS}", (params,))
    return [Gate(*row) for row in rows]


def _turns(gate: Gate, use: Use, now: int, until: int) -> Sequence[Turn]:
    if gate.is_closed(until):
        return []
    if gate.kind == LANE:
        return [Turn(use.head, now)] if use.head in use.parked and use.head not in use.staged else []
    if gate.kind in (HOST, ACCOUNT):
        return [Turn(job_id, now) for job_id in use.parked if job_id not in use.staged][:RETURN_AT_ONCE]
    ats = [(job_id, turn(use.pace, place, now)) for place, job_id in enumerate(use.parked)]
    return [Turn(job_id, at) for job_id, at in ats if at is not None and at <= until and job_id not in use.staged]
