"""Adds the attempts of listeners to the figures of their minutes, in the transaction that records the attempts.

No sending process counts them: the ticker ends most, and any worker those that found their listener full. So their row
of a minute has several writers, and each adds to what is there.
"""

import json
from collections.abc import Sequence

from models.database.sql import execute, fetch, for_update
from models.operations.heartbeats import MinuteRow
from models.rules import lateness

WORKER = "listeners"  # in the place of a process


def add(rows: Sequence[MinuteRow]) -> None:
    """Add these counts, joining the caller's transaction. Rows are locked in one order, so nobody waits in a circle."""
    for row in sorted(rows):
        _add(row)


def _add(row: MinuteRow) -> None:
    key = (row.account_id, row.minute_at, row.worker_id)
    execute(
        "INSERT INTO minute_stat (account_id, minute_at, worker_id, completed, failed, lateness) "
        "VALUES (%s, %s, %s, 0, 0, %s) ON CONFLICT (account_id, minute_at, worker_id) DO NOTHING",
        (*key, json.dumps(lateness.empty())),
    )
    this = "account_id = %s AND minute_at = %s AND worker_id = %s"
    [(present,)] = fetch(f"SELECT lateness FROM minute_stat WHERE {this}{for_update()}", key)
    total = lateness.together([json.loads(present), json.loads(row.lateness)])
    execute(
        f"UPDATE minute_stat SET completed = completed + %s, failed = failed + %s, lateness = %s WHERE {this}",
        (row.completed, row.failed, json.dumps(total), *key),
    )
