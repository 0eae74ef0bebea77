"""Parks jobs that may not pass a gate yet, and takes those out again whose turn has come.

A parked job is held back without an end, so the stager does not see it and 100,000 of them cost it nothing. The gate
brings it back: whoever makes room wakes the gate, and the ticker stages the next jobs of gates that are awake.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

from models.database.sql import any_of, execute, fetch, skipping_locked, unlocked, values_table
from models.database.transactions import transaction
from models.flows import breakers, gates, pacing
from models.flows.gates import FAR, Gate
from models.flows.pacing import HEAD, PARKED, UNDER_WAY, Use
from models.jobs import staging
from models.jobs.staging import DueJob
from models.jobs.states import WAITING_SQL
from models.rules import clock
from models.rules.limits import ACCOUNT, FLOW, HOST, LANE
from models.rules.turns import Turn, together, turn

AWAKE = "wake_at IS NOT NULL AND wake_at >= %s AND wake_at <= %s"
GATES_AT_ONCE = 200
JOBS_AT_ONCE = 100  # of one gate
PACED_AT_ONCE = 500  # of one flow whose rate alone limits it: a ticker that is busy for a moment delays none of them
RETURN_EVERY_US = clock.SECOND // 4  # jobs of a host that opens again return in small groups
RETURN_AT_ONCE = 25
LOOK_AGAIN_US = 50 * clock.MILLISECOND  # at a gate whose next jobs are all named

# With EXISTS PostgreSQL may read all jobs once instead of an index for each gate.
NOT_NAMED = f"(SELECT 1 FROM job WHERE {PARKED} AND staged_at IS NULL"
IS_ANY = "LIMIT 1) IS NOT NULL"
OVERLOOKED = (  # gates that nobody looks at, with a parked job that may pass
    f"wake_at IS NULL AND (closed_until IS NULL OR closed_until <= %s OR probe_at <= %s) AND CASE kind "
    f"WHEN '{LANE}' THEN {NOT_NAMED} AND id = ({HEAD}) {IS_ANY} WHEN '{FLOW}' THEN {NOT_NAMED} {IS_ANY} "
    f"AND (concurrency IS NULL OR concurrency > (SELECT count(*) FROM job WHERE {UNDER_WAY})) "
    f"ELSE {NOT_NAMED} {IS_ANY} END"
)
# From one gate with parked jobs to the next, in the index: neither all gates nor all parked jobs are read.
WAITED_FOR = (
    f"WITH RECURSIVE waited (gate_id) AS (SELECT min(parked_by) FROM job WHERE parked_by > 0 AND {WAITING_SQL} "
    f"UNION ALL SELECT (SELECT min(parked_by) FROM job WHERE parked_by > waited.gate_id AND {WAITING_SQL}) "
    "FROM waited WHERE waited.gate_id IS NOT NULL) SELECT gate_id FROM waited WHERE gate_id IS NOT NULL"
)


def park(jobs: Mapping[int, Collection[int]]) -> None:
    """Park jobs, by the id of the gate at which they wait. Passes over jobs that another session holds."""
    rows = [(job_id, gate_id) for gate_id, ids in jobs.items() for job_id in ids]
    if not rows:
        return
    table, values = values_table("id bigint, gate_id bigint", rows)
    these, params = unlocked("job", [job_id for job_id, _ in rows], WAITING_SQL)
    execute(
        "UPDATE job SET staged_at = NULL, held_until = CAST(%s AS BIGINT), parked_by = input.gate_id "
        f"FROM {table} AS input WHERE job.id = input.id AND {these}",
        (FAR, *values, *params),
    )


def first_awake(first: int, until: int) -> int | None:
    """The first instant, from `first` to `until`, at which a gate is to be looked at; None: there is none."""
    sql = f"SELECT wake_at FROM gate WHERE {AWAKE} ORDER BY wake_at LIMIT 1"
    return next((wake_at for (wake_at,) in fetch(sql, (first, until))), None)


def stage_next(now: int, until: int, first: int = 0, room: int = GATES_AT_ONCE * JOBS_AT_ONCE) -> list[DueJob]:
    """Mark the parked jobs that may pass their gates by `until`, at most `room`, each for the instant of its turn;
    soonest first. Looks at gates that are awake from `first` on, at no more than an equal share of `room` of each."""
    awake = _take_awake(first, until, min(room, GATES_AT_ONCE))
    if not awake:
        return []
    share = room // len(awake)
    paced = _look_at([gate for gate in awake if _is_paced(gate)], min(PACED_AT_ONCE, share), now, until)
    others = _look_at([gate for gate in awake if not _is_paced(gate)], min(JOBS_AT_ONCE, share), now, until)
    with transaction():
        wake_by(paced.next_looks | others.next_looks)
        return staging.stage_parked([(each.job_id, each.at) for each in (*paced.turns, *others.turns)])


def _is_paced(gate: Gate) -> bool:
    """Whether its rate alone limits it."""
    return gate.rate is not None and gate.concurrency is None


class Look(NamedTuple):
    """What a look at gates found: the turns of jobs, and when to look again, by gate, where nobody wakes it."""

    turns: list[Turn]
    next_looks: dict[int, int]


def _look_at(looked_at: Sequence[Gate], of_each: int, now: int, until: int) -> Look:
    """Look at the first parked jobs of these gates, at most so many of each, for turns by `until`."""
    uses, read_at, _ = pacing.uses(looked_at, of_each, now)
    look = Look([], {})
    for gate in looked_at:
        turns = _turns(gate, uses[gate.id], read_at, until)
        look.turns.extend(turns)
        next_at = _next_look(gate, uses[gate.id], turns, of_each, read_at)
        if next_at is not None:
            look.next_looks[gate.id] = next_at
    return look


def wake_by(instants: Mapping[int, int]) -> None:
    """Have the ticker look at these gates at these instants, unless it looks sooner. Under the gates' locks."""
    if not instants:
        return
    table, params = values_table("id bigint, at bigint", sorted(instants.items()))
    execute(
        f"UPDATE gate SET wake_at = input.at FROM {table} AS input "
        "WHERE gate.id = input.id AND (wake_at IS NULL OR wake_at > input.at)",
        params,
    )


def wake_forgotten(now: int, limit: int = 1000) -> int:
    """Wake gates that would let a job pass although nobody looks at them: the process that should have woken them
    crashed. Returns how many."""
    waited_for = [row[0] for row in fetch(WAITED_FOR)]
    return gates.wake(_overlooked(waited_for, now)[:limit], now) if waited_for else 0


def wake_overlooked(ids: Collection[int], now: int) -> None:
    """Wake those of the gates that would let a job pass. For a claim that has parked jobs there: what made room
    meanwhile did not see that they wait."""
    gates.wake(_overlooked(ids, now), now)


def _overlooked(ids: Collection[int], now: int) -> list[int]:
    these, params = any_of("id", sorted(ids))
    rows = fetch(f"SELECT id FROM gate WHERE {these} AND {OVERLOOKED} ORDER BY id", (params, *[now] * 6))
    return [row[0] for row in rows]


def _take_awake(first: int, until: int, limit: int) -> list[Gate]:
    """The gates that are to be looked at from `first` to `until`, which are not awake any more then."""
    lock_sql = skipping_locked("NO KEY UPDATE")  # orders that join a gate at this moment do not hide it
    sql = f"SELECT id FROM gate WHERE {AWAKE} ORDER BY wake_at LIMIT %s{lock_sql}"
    with transaction():
        these, params = any_of("id", sorted(row[0] for row in fetch(sql, (first, until, limit))))
        rows = fetch(f"UPDATE gate SET wake_at = NULL WHERE {these} RETURNING {gates.COLUMNS}", (params,))
    return [Gate(*row) for row in rows]


def _turns(gate: Gate, use: Use, now: int, until: int) -> list[Turn]:
    """When the parked jobs that no message names may pass, as far as that is by `until`."""
    if breakers.may_probe(gate, until):
        return [Turn(job_id, max(now, gate.probe_at or 0)) for job_id in use.parked if not use.staged][:1]
    if gate.is_closed(until):
        return []
    opens_at = max(now, gate.closed_until or 0)
    unnamed = [job_id for job_id in use.parked if job_id not in use.staged]
    if gate.kind == LANE:
        return [Turn(job_id, opens_at) for job_id in unnamed if job_id == use.head]
    if gate.kind in (HOST, ACCOUNT):
        return [Turn(job_id, opens_at) for job_id in unnamed[:RETURN_AT_ONCE]]
    ats = [(job_id, turn(use.pace, place, now)) for place, job_id in enumerate(use.parked)]
    turns = [Turn(job_id, max(at, opens_at)) for job_id, at in ats if at is not None and job_id not in use.staged]
    soon = [each for each in turns if each.at <= max(now, until)]
    return together(soon, use.pace, opens_at)


def _next_look(gate: Gate, use: Use, turns: Sequence[Turn], looked_at: int, now: int) -> int | None:
    """When to look for the parked job behind those staged now; None: whoever makes room wakes the gate."""
    named = len(use.staged) + len(turns)
    if gate.is_closed(now) and (not named or gate.closed_until == FAR):
        return None if named else gate.probe_at if gate.closed_until == FAR else gate.closed_until
    if gate.kind == LANE or (named >= len(use.parked) and len(use.parked) < looked_at):
        return None
    opens_at = max(now, gate.closed_until or 0)
    if gate.kind in (HOST, ACCOUNT):
        return opens_at + RETURN_EVERY_US
    if named < len(use.parked):
        return turn(use.pace, named, opens_at)
    soon = turn(use.pace, looked_at // 2, opens_at)  # half of them have begun then: others can be named
    return None if soon is None else max(soon, now + LOOK_AGAIN_US)
