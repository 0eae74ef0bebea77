"""Keeps the starts that the rates of gates count: one row each, numbered by gate, until newer ones make it useless.

A start is counted at the claim, and moved if its request goes out later (models/flows/late_starts.py).
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from models.database.sql import execute, fetch, values_table
from models.flows.gates import Gate


class JobStart(NamedTuple):
    """A start of a job, by its flow and its number there."""

    job_id: int
    flow_id: int
    number: int


def add(new: Sequence[tuple[Gate, Mapping[int, int]]]) -> None:
    """Count starts at each gate, by job, each with its instant, and delete those that no window can reach any more.
    Under the gates' locks."""
    rows = [
        (gate.id, gate.starts + place, at, job_id)
        for gate, of_gate in new
        for place, (job_id, at) in enumerate(of_gate.items(), 1)
    ]
    if not rows:
        return
    columns = "gate_id, number, started_at, job_id"
    table, params = values_table("gate_id bigint, number bigint, started_at bigint, job_id bigint", rows)
    execute(f"INSERT INTO gate_start ({columns}) SELECT {columns} FROM {table} AS input WHERE true", params)
    ends = [
        (gate.id, gate.starts + len(of_gate), gate.starts + len(of_gate) - (gate.rate or 0)) for gate, of_gate in new
    ]
    table, params = values_table("gate_id bigint, last bigint, useless bigint", ends)
    execute(f"UPDATE gate SET starts = input.last FROM {table} AS input WHERE gate.id = input.gate_id", params)
    execute(
        "DELETE FROM gate_start WHERE (gate_id, number) IN (SELECT old.gate_id, old.number "
        f"FROM {table} AS input JOIN gate_start AS old ON old.gate_id = input.gate_id AND old.number <= input.useless)",
        params,
    )


def move(starts: Sequence[tuple[JobStart, int]], condition: str) -> set[int]:
    """Move those of the starts that meet the condition, each to its instant; returns the ids of their jobs. A start
    that was counted again has a later number than the caller knows, so later numbers of the job match too."""
    if not starts:
        return set()
    rows = [(*each, at) for each, at in starts]
    table, params = values_table("job_id bigint, gate_id bigint, number bigint, at bigint", rows)
    moved = fetch(
        f"UPDATE gate_start SET started_at = input.at FROM {table} AS input JOIN gate ON gate.id = input.gate_id "
        "WHERE gate_start.gate_id = input.gate_id AND gate_start.number >= input.number "
        f"AND gate_start.job_id = input.job_id AND {condition} RETURNING gate_start.job_id",
        params,
    )
    return {row[0] for row in moved}
