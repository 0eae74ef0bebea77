"""Keeps the starts that the rates of gates count: one row each, numbered by gate, until newer ones make it useless.

A start is counted at the claim. A request that goes out later than that is counted anew, just before it goes: otherwise
the target would see it beside requests of a later window.
"""

from collections.abc import Collection, Sequence
from typing import NamedTuple

from models.database.sql import any_of, execute, fetch, values_table
from models.flows import gates, pacing
from models.flows.gates import Gate
from models.rules.turns import may_start


class LateStart(NamedTuple):
    """A claimed job whose request goes out late, and its flow."""

    job_id: int
    flow_id: int


def add(jobs: Sequence[tuple[Gate, Sequence[int]]], now: int) -> None:
    """Count the starts of these jobs at each gate, and delete those that no window can reach any more. Under the gates'
    locks."""
    rows = [(gate.id, gate.starts + place, now, job_id) for gate, ids in jobs for place, job_id in enumerate(ids, 1)]
    if not rows:
        return
    columns = "gate_id, number, started_at, job_id"
    table, params = values_table("gate_id bigint, number bigint, started_at bigint, job_id bigint", rows)
    execute(f"INSERT INTO gate_start ({columns}) SELECT {columns} FROM {table} AS input WHERE true", params)
    ends = [(gate.id, gate.starts + len(ids), gate.starts + len(ids) - (gate.rate or 0)) for gate, ids in jobs]
    table, params = values_table("gate_id bigint, last bigint, useless bigint", ends)
    execute(f"UPDATE gate SET starts = input.last FROM {table} AS input WHERE gate.id = input.gate_id", params)
    execute(
        "DELETE FROM gate_start WHERE (gate_id, number) IN (SELECT old.gate_id, old.number "
        f"FROM {table} AS input JOIN gate_start AS old ON old.gate_id = input.gate_id AND old.number <= input.useless)",
        params,
    )


def restart(late: Sequence[LateStart], now: int) -> set[int]:
    """Count the starts of these jobs anew, now that their requests go out; returns the ids of those that may not go.
    Inside a transaction."""
    of_flow: dict[int, list[int]] = {}
    for each in late:
        of_flow.setdefault(each.flow_id, []).append(each.job_id)
    rated = [gate for gate in gates.lock(of_flow).values() if gate.rate]
    uses, read_at = pacing.uses(rated, len(late), now)
    refused: set[int] = set()
    for gate in rated:
        moved = _move(gate, of_flow[gate.id], read_at)
        again = [job_id for job_id in of_flow[gate.id] if job_id not in moved]
        passing = again[: may_start(uses[gate.id].pace, len(again), read_at)]
        add([(gate, passing)], read_at)
        refused.update(set(again) - set(passing))
    return refused


def _move(gate: Gate, ids: Collection[int], now: int) -> set[int]:
    """Move the starts of these jobs to now; returns the ids of those that could be moved.

    As long as fewer than `rate` starts have come since, none of them counted on the old instant."""
    these, params = any_of("job_id", sorted(ids))
    rows = fetch(
        f"UPDATE gate_start SET started_at = %s WHERE gate_id = %s AND number > %s AND {these} RETURNING job_id",
        (now, gate.id, gate.starts - (gate.rate or 0), params),
    )
    return {row[0] for row in rows}
