"""Counts the starts of each flow by the minute, so that its owner sees how the last hour went.

Nothing is decided by these counts. A claim adds to them under the gates' locks, so no start is lost.
"""

from collections.abc import Collection, Mapping

from models.database.sql import any_of, execute, fetch, values_table
from models.database.transactions import transaction
from models.rules.clock import MINUTE

SHOWN = 60  # minutes, the present one among them
KEPT_US = 2 * SHOWN * MINUTE


def add(begun: Mapping[int, Collection[int]], now: int) -> None:
    """Count the jobs that have started, by the id of their flow."""
    rows = [(flow_id, now // MINUTE, len(jobs)) for flow_id, jobs in begun.items()]
    if not rows:
        return
    table, params = values_table("gate_id bigint, minute bigint, starts bigint", rows)
    execute(
        f"INSERT INTO flow_minute (gate_id, minute, starts) SELECT gate_id, minute, starts FROM {table} AS input "
        "WHERE true ON CONFLICT (gate_id, minute) DO UPDATE SET starts = flow_minute.starts + EXCLUDED.starts",
        params,
    )


def last_hour(gate_ids: Collection[int], now: int) -> dict[int, list[int]]:
    """The starts in each of the last `SHOWN` minutes, oldest first, by the id of the flow."""
    counts = {gate_id: [0] * SHOWN for gate_id in gate_ids}
    if not counts:
        return counts
    these, ids = any_of("gate_id", sorted(counts))
    first = now // MINUTE - SHOWN + 1
    where = f"{these} AND minute >= %s AND minute < %s"
    for gate_id, minute, starts in fetch(
        f"SELECT gate_id, minute, starts FROM flow_minute WHERE {where}", (ids, first, first + SHOWN)
    ):
        counts[gate_id][minute - first] = starts
    return counts


def forget(now: int, limit: int = 10_000) -> int:
    """Delete counts that no page shows any more; returns how many."""
    with transaction():
        old = "SELECT gate_id, minute FROM flow_minute WHERE minute < %s ORDER BY minute LIMIT %s"
        values = (now - KEPT_US) // MINUTE, limit
        return execute(f"DELETE FROM flow_minute WHERE (gate_id, minute) IN ({old})", values)
