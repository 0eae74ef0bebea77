"""Works off operations: acts on all jobs of a filter, the oldest first, a chunk in each transaction.

The transaction of a chunk holds what was done and how far the operation is. So nothing is done twice and nothing is
left, wherever a crash comes. An operation is about the jobs that there are when it is ordered (`until_id`): not about
those that are made meanwhile, also by itself. It waits for no job that another session holds: such a job is
remembered in the row and tried again. Every query names the account.
"""

from collections.abc import Sequence
from typing import NamedTuple

from models.database.ids import new_id
from models.database.paging import NEWEST_FIRST, PageRequest, Place, bytes_of, fitting
from models.database.sql import any_of, fetch
from models.database.transactions import transaction
from models.jobs import job_lists, lifecycle, replays
from models.jobs.job_json import compact
from models.jobs.searches import merged_states
from models.jobs.searches.job_filter import JobFilter
from models.jobs.searches.merged_states import Count
from models.jobs.states import FINAL, LIVE, LIVE_SQL, STATES, in_states
from models.operations import operation_store
from models.operations.cancelling import BY_OWNER
from models.operations.operation_store import DONE, OperationRow
from models.rules.clock import SECOND
from models.schedules import cancel as cancels
from models.schedules.firing_rows import CANCELLED

CANCEL, RETRY, DELETE = "cancel", "retry", "delete"
STATES_OF = {CANCEL: LIVE, RETRY: STATES, DELETE: FINAL}  # the states in which jobs are acted on
OLDEST_FIRST = ("inserted_at", "asc")
COUNTED = 10_000
LOOKED_AT = 5_000  # by a search, for a count
LOOKED_AT_IN_TURN = 1_000  # by a search, for what is left
LOOKED_AT_TIMES = 4  # by a search, as many rows for each job of a chunk
HELD_AT_MOST = 5_000
RECOUNT_US = SECOND


class Turn(NamedTuple):
    """What a turn of an operation did. `is_stuck`: nothing, since other sessions hold all jobs that are left."""

    jobs: int
    is_stuck: bool


class Chunk(NamedTuple):
    """The next jobs of an operation. `place`: of the last row read; `is_read`: no row is left."""

    ids: list[int]
    held: list[int]  # held before, and not among `ids`
    place: Place | None
    is_read: bool


def create(
    account_id: int,
    action: str,
    sent: str,
    job_filter: JobFilter,
    at_most: int | None,
    now: int,
    uuid: str | None = None,
    hops: int = 0,
) -> OperationRow | None:
    """Store an operation. `sent`: the filter as JSON, as the client sent it; `uuid`: None for a fresh one; `hops`: how
    many jobs led to the call, as its replays count. Returns the operation that has this UUID already where the account
    has it, and None where another account has. Raises operation_store.TooMany."""
    bounded = until_now(account_id, job_filter)
    left = count(account_id, action, bounded)
    if at_most is not None and left.jobs >= at_most:
        left = Count(at_most, False)
    return operation_store.create(account_id, action, sent, bounded, at_most, left, now, uuid or new_id(), hops)


def until_now(account_id: int, job_filter: JobFilter) -> JobFilter:
    """The filter, without jobs made from now on. Integers ascend whatever the clocks of hosts say; the latest instant
    that there is keeps the reading from the many entries that later jobs leave in the index."""
    if job_filter.until_id is None:
        job_filter = job_filter._replace(until_id=lifecycle.id_range()[1])
    of_kind = JobFilter(job_filter.kind)
    latest = fetch(*merged_states.rows(account_id, of_kind, STATES, PageRequest(NEWEST_FIRST, 1), 1))
    after_all = latest[0][0] + 1 if latest else 1
    return job_filter._replace(before=after_all if job_filter.before is None else min(job_filter.before, after_all))


def count(
    account_id: int, action: str, job_filter: JobFilter, place: Place | None = None, looked_at: int | None = None
) -> Count:
    """How many jobs the action would find, COUNTED at most, as far as so many rows of a search show it (None:
    LOOKED_AT)."""
    page = PageRequest(OLDEST_FIRST, COUNTED, 0, place)
    states = states_of(action, job_filter)
    return merged_states.count(account_id, job_filter, states, page, looked_at or LOOKED_AT)


def states_of(action: str, job_filter: JobFilter) -> tuple[str, ...]:
    return (job_filter.state,) if job_filter.state else STATES_OF[action]


def take_turn(operation_id: int, rows: int, now: int) -> Turn:
    """Act on the next `rows` jobs of an operation; on none if somebody else does or it has ended. What is left is
    counted after the commit: nobody waits for that."""
    with transaction():
        operation = operation_store.locked(operation_id)
        if operation is None:
            return Turn(0, False)
        chunk = _next_chunk(operation, rows)
        done, held = _act(operation, chunk.ids, now)
        after = _advanced(operation, chunk, done, [*chunk.held, *held], now)
        operation_store.store(after)
    if not after.is_read and now >= after.counted_at + RECOUNT_US:
        operation_store.store_count(after.id, _left(after), now)
    ended = len(chunk.ids) - len(held)
    return Turn(ended, is_stuck=bool(after.held_ids) and not ended and after.place == operation.place)


def _next_chunk(operation: OperationRow, rows: int) -> Chunk:
    held = operation.held_ids
    left = rows if operation.at_most is None else operation.at_most - operation.done - operation.failed - len(held)
    is_read = bool(operation.is_read) or left <= 0
    if is_read or len(held) >= HELD_AT_MOST:
        return Chunk(held[:rows], held[rows:], operation.place, is_read)
    states = states_of(operation.action, operation.filter)
    page = PageRequest(OLDEST_FIRST, min(rows, left), 0, operation.place)
    matches = merged_states.matching(operation.account_id, operation.filter, states, page, rows * LOOKED_AT_TIMES)
    places = _that_fit(matches.rows)
    ids = [int(place.tie) for place in places]
    if len(places) < len(matches.rows):
        return Chunk(ids, held, places[-1], False)
    return Chunk(ids, held, matches.end or operation.place, matches.end is None)


def _that_fit(places: list[Place]) -> list[Place]:
    """The first of the jobs, as many as fit into memory together with their requests, one at least."""
    if not places:
        return []
    these = any_of("id", [place.tie for place in places])
    rows = fitting("job", "id, inserted_at", bytes_of("args", "body"), these, job_lists.LISTING, OLDEST_FIRST)
    return places[: max(1, len(rows))]


def _act(operation: OperationRow, ids: list[int], now: int) -> tuple[int, list[int]]:
    """How many jobs were acted on, and which of the others another session holds."""
    if not ids:
        return 0, []
    if operation.action == RETRY:
        return len(replays.replay(operation.account_id, ids, now, operation.uuid, operation.hops)), []
    if operation.action == DELETE:
        deleted = lifecycle.delete(ids)
        return len(deleted), _in_states(operation.account_id, set(ids) - set(deleted), in_states(FINAL))
    cancelled = cancels.cancel(ids, BY_OWNER, CANCELLED, now, waiting_only=False, if_free=True)
    return len(cancelled), _in_states(operation.account_id, set(ids) - set(cancelled), LIVE_SQL)


def _in_states(account_id: int, ids: set[int], states_sql: str) -> list[int]:
    if not ids:
        return []
    these, params = any_of("id", sorted(ids))
    rows = fetch(
        f"SELECT id FROM job WHERE {these} AND account_id = %s AND {states_sql} ORDER BY id", (params, account_id)
    )
    return [row[0] for row in rows]


def _advanced(operation: OperationRow, chunk: Chunk, done: int, held: Sequence[int], now: int) -> OperationRow:
    ended = len(chunk.ids) - (len(held) - len(chunk.held))
    after = operation._replace(
        place_at=chunk.place and int(chunk.place.value or 0),
        place_id=chunk.place and int(chunk.place.tie),
        is_read=int(chunk.is_read),
        held=compact(held),
        done=operation.done + done,
        failed=operation.failed + ended - done,
        jobs_left=max(operation.jobs_left - ended, len(held)),
    )
    if not chunk.is_read:
        return after
    after = after._replace(jobs_left=len(held), more_left=0)
    return after if held else after._replace(state=DONE, ended_at=now)


def _left(operation: OperationRow) -> Count:
    ahead = count(operation.account_id, operation.action, operation.filter, operation.place, LOOKED_AT_IN_TURN)
    jobs = ahead.jobs + len(operation.held_ids)
    if operation.at_most is None:
        return Count(jobs, ahead.more)
    most = operation.at_most - operation.done - operation.failed
    return Count(min(jobs, most), ahead.more and jobs < most)
