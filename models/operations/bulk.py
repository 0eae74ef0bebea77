"""Acts on all jobs that a filter finds: in chunks, the newest first, each from where the last one ended.

A repeated chunk does nothing twice: a cancelled job stays cancelled, and a job is replayed once for one token. The
caller bounds the filter by an instant, so that it does not find jobs made meanwhile. Every query names the account.
"""

from typing import NamedTuple

from models.database.paging import NEWEST_FIRST, Page, PageRequest, Place
from models.jobs import job_lists, replays
from models.jobs.job_lists import JobFilter
from models.operations import cancelling

CANCEL, AGAIN = "cancel", "again"
CHUNK = 40  # to cancel so many takes half of the time that a page may take
COUNTED = 10_000
LOOKED_AT = 5000  # by a search, for one chunk or one count
LIVE = ("retryable", "scheduled", "available", "executing")  # in the order in which a job may move on meanwhile
GIVEN_BACK = ("retryable", "available", "executing")  # read again: jobs may return to these while others are read


class Mark(NamedTuple):
    """Where the next chunk begins: in which of the lists, and after which job."""

    turn: int = 0
    place: Place | None = None


class Chunk(NamedTuple):
    """The result of a chunk. `missed`: jobs found that could not be acted on any more; `mark`: None after the last."""

    done: int
    missed: int
    mark: Mark | None


class Left(NamedTuple):
    """How many jobs are still to come, `COUNTED` at most; `more`: whether there may be others."""

    jobs: int
    more: bool


def run_chunk(account_id: int, action: str, job_filter: JobFilter, mark: Mark, token: str, now: int) -> Chunk:
    """Act on the jobs of the next chunk. `token`: `once` of `replays.replay`."""
    lists = _lists(action, job_filter)
    for turn in range(mark.turn, len(lists)):
        page = _page(account_id, lists[turn], mark.place if turn == mark.turn else None, CHUNK, LOOKED_AT)
        if page.rows or page.end:
            done = _act(account_id, action, page.rows, token, now)
            following = Mark(turn, page.end) if page.end else Mark(turn + 1)
            return Chunk(done, len(page.rows) - done, following if following.turn < len(lists) else None)
    return Chunk(0, 0, None)


def count_left(account_id: int, action: str, job_filter: JobFilter, mark: Mark) -> Left:
    """How many jobs are left, as far as it is cheap to count: the lists share LOOKED_AT."""
    lists = list(dict.fromkeys(_lists(action, job_filter)[mark.turn :]))  # a list that is read twice is counted once
    jobs, more = 0, False
    for number, each in enumerate(lists):
        if jobs >= COUNTED:
            return Left(jobs, True)
        place = None if number else mark.place
        page = _page(account_id, each, place, COUNTED - jobs, LOOKED_AT // len(lists))
        jobs, more = jobs + len(page.rows), more or page.end is not None
    return Left(jobs, more)


def _lists(action: str, job_filter: JobFilter) -> list[JobFilter]:
    """The lists to read: a cancel reads only jobs that have not ended, which may be few among very many."""
    if action == AGAIN or job_filter.state in LIVE:
        return [job_filter]
    return [job_filter._replace(state=state) for state in (*LIVE, *GIVEN_BACK) if job_filter.state is None]


def _page(account_id: int, job_filter: JobFilter, place: Place | None, limit: int, looked_at: int) -> Page:
    return job_lists.matching(account_id, job_filter, PageRequest(NEWEST_FIRST, limit, 0, place), looked_at)


def _act(account_id: int, action: str, ids: list[int], token: str, now: int) -> int:
    """How many jobs were changed or replayed."""
    if action == AGAIN:
        return len(replays.replay(account_id, ids, now, token))
    return cancelling.cancel_all(account_id, ids, now)
