"""Keeps the starts that the rates of gates count: one row each, numbered by gate, until newer ones make it useless."""

from collections.abc import Sequence

from models.database.sql import execute, values_table
from models.flows.gates import Gate


def add(counts: Sequence[tuple[Gate, int]], now: int) -> None:
    """Add so many starts at each gate, and delete those that no window can reach any more. Under the gates' locks."""
    rows = [(gate.id, gate.starts + place, now) for gate, count in counts for place in range(1, count + 1)]
    if not rows:
        return
    table, params = values_table("gate_id bigint, number bigint, started_at bigint", rows)
    execute(f"INSERT INTO gate_start SELECT gate_id, number, started_at FROM {table} AS input WHERE true", params)
    ends = [(gate.id, gate.starts + count, gate.starts + count - (gate.rate or 0)) for gate, count in counts]
    table, params = values_table("gate_id bigint, last bigint, useless bigint", ends)
    execute(f"UPDATE gate SET starts = input.last FROM {table} AS input WHERE gate.id = input.gate_id", params)
    execute(
        "DELETE FROM gate_start WHERE (gate_id, number) IN (SELECT old.gate_id, old.number "
        f"FROM {table} AS input JOIN gate_start AS old ON old.gate_id = input.gate_id AND old.number <= input.useless)",
        params,
    )
