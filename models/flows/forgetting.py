"""Forgets gates that nobody uses: a key for each of a shop's customers would otherwise grow without end."""

from models.database.sql import any_of, execute, fetch, skipping_locked
from models.database.transactions import transaction
from models.jobs.states import LIVE_SQL, WAITING_SQL
from models.rules import clock

UNUSED_US = clock.WEEK
# A schedule keeps the ids of its gates in its template, each followed by a comma.
OF_A_SCHEDULE = (
    "EXISTS (SELECT 1 FROM schedule WHERE schedule.account_id = gate.account_id AND (template LIKE "
    "'%%\"flow_id\": ' || gate.id || ',%%' OR template LIKE '%%\"lane_id\": ' || gate.id || ',%%'))"
)
UNUSED = (
    "is_pinned = 0 AND (paused_at IS NULL OR paused_until < %s) AND probe_at IS NULL AND used_at < %s "
    f"AND NOT EXISTS (SELECT 1 FROM job WHERE flow_id = gate.id AND {LIVE_SQL}) "
    f"AND NOT EXISTS (SELECT 1 FROM job WHERE lane_id = gate.id AND {LIVE_SQL}) "
    f"AND NOT EXISTS (SELECT 1 FROM job WHERE parked_by = gate.id AND {WAITING_SQL}) AND NOT {OF_A_SCHEDULE}"
)


def forget(now: int, limit: int = 500) -> int:
    """Delete gates that no order has named for a week and no live job or schedule has; returns how many. Passes over
    gates that somebody joins just now."""
    with transaction():
        unused = f"SELECT id FROM gate WHERE {UNUSED} ORDER BY id LIMIT %s{skipping_locked()}"
        ids = [row[0] for row in fetch(unused, (now, now - UNUSED_US, limit))]
        these, params = any_of("gate_id", ids)
        execute(f"DELETE FROM gate_start WHERE {these}", (params,))
        execute(f"DELETE FROM flow_minute WHERE {these}", (params,))
        these, params = any_of("id", ids)
        return execute(f"DELETE FROM gate WHERE {these}", (params,))
