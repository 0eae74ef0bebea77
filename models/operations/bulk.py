"""Owns what is done to all jobs that a filter finds: in chunks, the newest first, each from where the last one ended.

A chunk that is done twice does nothing twice: a cancelled job stays cancelled, and what is ordered again under one word
is ordered once. Who asks bounds the filter by an instant, so that what is made meanwhile is not found. Every question
names the account.
"""

from typing import NamedTuple

from models.database.paging import NEWEST_FIRST, Page, PageRequest, Place
from models.jobs import job_lists, replays
from models.jobs.job_lists import JobFilter
from models.operations import cancelling

CANCEL, AGAIN = "cancel", "again"
CHUNK = 40  # a cancel of so many takes half of the time that a page may take
COUNTED = 10_000
LOOKED_AT = 5000  # by a search, for one chunk or one count
LIVE = ("retryable", "scheduled", "available", "executing")  # in the order in which a job may go on meanwhile
GIVEN_BACK = ("retryable", "available", "executing")  # by an attempt that ended behind its list: looked for once more


class Mark(NamedTuple):
    """Where the next chunk begins: in which of the lists that are gone through, and behind which job."""

    turn: int = 0
    place: Place | None = None


class Chunk(NamedTuple):
    """What came of a chunk. `missed`: found, and not to be acted on any more; `mark`: None when this was the last."""

    done: int
    missed: int
    mark: Mark | None


class Left(NamedTuple):
    """How many jobs are still to come, `COUNTED` at most; `more`: whether there may be others."""

    jobs: int
    more: bool


def run_chunk(account_id: int, action: str, asked: JobFilter, mark: Mark, once: str, now: int) -> Chunk:
    """Act on the jobs of the next chunk. `once` as for `replays.order_again`."""
    lists = _lists(action, asked)
    for turn in range(mark.turn, len(lists)):
        page = _page(account_id, lists[turn], mark.place if turn == mark.turn else None, CHUNK, LOOKED_AT)
        if page.rows or page.end:
            done = _act(account_id, action, page.rows, once, now)
            following = Mark(turn, page.end) if page.end else Mark(turn + 1)
            return Chunk(done, len(page.rows) - done, following if following.turn < len(lists) else None)
    return Chunk(0, 0, None)


def count_left(account_id: int, action: str, asked: JobFilter, mark: Mark) -> Left:
    """What the chunks from this one on will find, as far as it is cheap to count: the lists share what is looked at."""
    lists = list(dict.fromkeys(_lists(action, asked)[mark.turn :]))  # what is gone through twice is counted once
    jobs, more = 0, False
    for number, each in enumerate(lists):
        if jobs >= COUNTED:
            return Left(jobs, True)
        place = None if number else mark.place
        page = _page(account_id, each, place, COUNTED - jobs, LOOKED_AT // len(lists))
        jobs, more = jobs + len(page.rows), more or page.end is not None
    return Left(jobs, more)


def _lists(action: str, asked: JobFilter) -> list[JobFilter]:
    """The lists to go through: a cancel looks at what has not ended alone, which may be little among very much."""
    if action == AGAIN or asked.state in LIVE:
        return [asked]
    return [asked._replace(state=state) for state in (*LIVE, *GIVEN_BACK) if asked.state is None]


def _page(account_id: int, asked: JobFilter, place: Place | None, limit: int, looked_at: int) -> Page:
    return job_lists.matching(account_id, asked, PageRequest(NEWEST_FIRST, limit, 0, place), looked_at)


def _act(account_id: int, action: str, ids: list[int], once: str, now: int) -> int:
    """How many jobs it was done to."""
    if action == AGAIN:
        return len(replays.replay(account_id, ids, now, once))
    return cancelling.cancel_all(account_id, ids, now)
