"""Keeps the events of one job in order: an event waits until the event before it to the same address was tried.

A waiting event has `after_uuid` and `held_until`. It is released when the earlier event was accepted or its first
attempt has failed. Whoever ends an event and whoever adds one call `release_next_events` after their commit: if two
commit at once, the later one sees what the other wrote. Inside the transaction each of the two would lock what the
other holds. A crash between commit and call costs a delay: the ticker releases what was left.
"""

import logging
from collections.abc import Collection

from models.database.connection import Unreachable
from models.database.sql import any_of, fetch
from models.jobs import staging
from models.jobs.job_kinds import ALERT, EVENT
from models.jobs.staging import WAITS_FOR_EVENT
from models.jobs.states import LIVE, in_states
from models.rules.clock import DAY

log = logging.getLogger("booper.event_order")
HELD_US = DAY  # longer than a ticker is ever away; then the event goes, whatever became of the one before
RELEASED_AT_ONCE = 1000
# Not final, and no attempt has ended yet. One that was lost with its worker does not count: it may not have been sent.
IS_UNTRIED = (
    in_states(LIVE, "{0}") + " AND {0}.attempt - {0}.crashes - CASE WHEN {0}.state = 'executing' THEN 1 ELSE 0 END <= 0"
)


def untried_events(parent_ids: Collection[int]) -> list[tuple[int, int | str, str]]:
    """(parent's id, endpoint's id or else args, uuid) of the events of these jobs for which later ones have to wait, in
    their order."""
    of_these, ids = any_of("parent_id", list(parent_ids))
    where = f"{of_these} AND kind = '{EVENT}' AND {IS_UNTRIED.format('job')}"
    rows = fetch(f"SELECT parent_id, endpoint_id, args, uuid FROM job WHERE {where} ORDER BY id", (ids,))
    return [(parent_id, endpoint_id or args, str(uuid)) for parent_id, endpoint_id, args, uuid in rows]


def release_next_events(parent_ids: Collection[int]) -> int:
    """Release the events of these jobs that no longer have to wait; call it after the commit. Never fails, since the
    work of the commit must go on: without the database the events are left to the ticker."""
    if not parent_ids:
        return 0
    try:
        return staging.release_events(_ready(parent_ids))
    except Unreachable as error:
        log.warning("database gone (%s): events of %d jobs wait for the ticker", error, len(parent_ids))
        return 0


def release_left_over_events(_now: int) -> int:
    """Release the events of all jobs that a crash left waiting. Messages about incidents are another matter
    (`models/alerts/message_order.py`)."""
    sql = (
        "SELECT event.id FROM job AS event LEFT JOIN job AS earlier ON earlier.uuid = event.after_uuid "
        f"WHERE event.after_uuid IS NOT NULL AND event.kind <> '{ALERT}' "
        f"AND (earlier.id IS NULL OR NOT ({IS_UNTRIED.format('earlier')})) "
        # The sign keeps SQLite from reading all jobs in the order of their ids instead of the few that wait.
        f"ORDER BY +event.id LIMIT {RELEASED_AT_ONCE}"
    )
    return staging.release_events([row[0] for row in fetch(sql, ())])


def _ready(parent_ids: Collection[int]) -> list[int]:
    """The events of these jobs that no longer have to wait. Read in two steps, each by an index that suits it whatever
    the planner believes: a join, planned while the table was small, read the grown table whole."""
    of_these, ids = any_of("parent_id", list(parent_ids))
    waiting = f"SELECT id, after_uuid FROM job WHERE {of_these} AND {WAITS_FOR_EVENT} ORDER BY id"
    after = {event_id: str(uuid) for event_id, uuid in fetch(waiting, (ids,))}
    if not after:
        return []
    are_earlier, uuids = any_of("uuid", sorted(set(after.values())), "uuid")
    rows = fetch(f"SELECT uuid FROM job WHERE {are_earlier} AND {IS_UNTRIED.format('job')}", (uuids,))
    untried = {str(row[0]) for row in rows}
    return [event_id for event_id, uuid in after.items() if uuid not in untried]
