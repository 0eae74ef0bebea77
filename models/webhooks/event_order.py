"""Owns the order of the events of one job: an event waits (`after_uuid`, `held_until`) until the one before it, to the
same address, was accepted or has failed its first attempt; then it is let go.

Whoever ends an event and whoever adds one look here after their commit: of two at once the one that commits last sees
what the other wrote. A crash between commit and look costs a delay: the ticker lets go what was left. In the
transaction itself it could not be done: each of the two would lock what the other holds.
"""

import logging
from collections.abc import Collection, Sequence

from models.database.connection import Unreachable, dialect
from models.database.sql import any_of, execute, fetch
from models.database.transactions import transaction
from models.rules.clock import DAY

log = logging.getLogger("booper.succession")
HELD_US = DAY  # longer than a ticker is ever away; then the event goes, whatever became of the one before
RELEASED_AT_ONCE = 1000
# The cast hides the partial index of all that wait: believed empty, it was searched whole for each set of ids.
WAITS = "CAST(after_uuid AS TEXT) IS NOT NULL"
# Not final, and no attempt has ended yet. One that was lost with its worker does not count: it may not have been sent.
IS_UNTRIED = (
    "{0}.state IN ('available', 'scheduled', 'retryable', 'executing') "
    "AND {0}.attempt - {0}.crashes - CASE WHEN {0}.state = 'executing' THEN 1 ELSE 0 END <= 0"
)


def untried_events(parent_ids: Collection[int]) -> list[tuple[int, str, str]]:
    """(parent's id, args, uuid) of the events of these jobs that others have to wait for, in their order."""
    these, given = any_of("parent_id", list(parent_ids))
    sql = f"SELECT parent_id, args, uuid FROM job WHERE {these} AND kind = 'event' AND {IS_UNTRIED.format('job')} "
    return [(parent_id, args, str(uuid)) for parent_id, args, uuid in fetch(f"{sql} ORDER BY id", (given,))]


def release_next_events(parent_ids: Collection[int]) -> int:
    """Let go the events of these jobs that wait for nothing any more; to be called after the commit. Never fails, since
    what was committed must go on: without the database it is left to the ticker."""
    if not parent_ids:
        return 0
    try:
        return _release(_ready(parent_ids))
    except Unreachable as error:
        log.warning("database gone (%s): events of %d jobs wait for the ticker", error, len(parent_ids))
        return 0


def release_left_over_events(_now: int) -> int:
    """The same for all jobs: what a crash left."""
    sql = (
        "SELECT event.id FROM job AS event LEFT JOIN job AS earlier ON earlier.uuid = event.after_uuid "
        f"WHERE event.after_uuid IS NOT NULL AND (earlier.id IS NULL OR NOT ({IS_UNTRIED.format('earlier')})) "
        # The sign keeps SQLite from reading all jobs in the order of their ids instead of the few that wait.
        f"ORDER BY +event.id LIMIT {RELEASED_AT_ONCE}"
    )
    return _release([row[0] for row in fetch(sql, ())])


def _ready(parent_ids: Collection[int]) -> list[int]:
    """The events of these jobs whose time has come. Asked in two steps, each by an index that suits it whatever the
    planner believes: a join, planned for the small table of the first days, read the grown one whole."""
    these, given = any_of("parent_id", list(parent_ids))
    waiting = f"SELECT id, after_uuid FROM job WHERE {these} AND {WAITS} ORDER BY id"
    after = {event_id: str(uuid) for event_id, uuid in fetch(waiting, (given,))}
    if not after:
        return []
    these, given = any_of("uuid", sorted(set(after.values())), "uuid")
    untried = {
        str(row[0]) for row in fetch(f"SELECT uuid FROM job WHERE {these} AND {IS_UNTRIED.format('job')}", (given,))
    }
    return [event_id for event_id, uuid in after.items() if uuid not in untried]


def _release(ids: Sequence[int]) -> int:
    """Nobody waits here for another who lets the same events go: of two sets locked crosswise, one would fail."""
    if not ids:
        return 0
    these, given = any_of("id", ids)
    lock = "FOR UPDATE SKIP LOCKED" if dialect() == "postgresql" else ""
    with transaction():
        mine = fetch(f"SELECT id FROM job WHERE {these} AND {WAITS} ORDER BY id {lock}", (given,))
        these, given = any_of("id", [row[0] for row in mine])
        return execute(f"UPDATE job SET held_until = NULL, after_uuid = NULL WHERE {these}", (given,))
