"""Lists the account's failed jobs, discarded or to be retried, and groups the latest of them by host and reason.

A job of which there is a replay is no failure any more: somebody has seen to it. The groups are made of the latest
`GROUPED` failures among the latest `LOOKED_AT` jobs of each state, so the cost does not grow with the number of jobs.
"""

from typing import NamedTuple

from models.database.paging import Page, PageRequest
from models.database.sql import fetch
from models.jobs import job_lists
from models.jobs.job_kinds import REQUEST
from models.jobs.searches import merged_states
from models.jobs.searches.job_filter import FAILING, UNKNOWN, JobFilter

FURTHEST = 2**62  # no instant is later
GROUPED = 1000
LOOKED_AT = 10_000  # among these, replayed ones are passed over
NEWEST = (
    f"SELECT {{}} FROM job WHERE account_id = %s AND kind = '{REQUEST}' AND state = %s AND inserted_at < %s "
    "ORDER BY inserted_at DESC, id DESC LIMIT %s"
)
EXAMPLES = 100  # how many of a group can be replayed at once


class Failure(NamedTuple):
    """Jobs of one state whose latest attempt failed for one reason at one host. `ids`: the newest of them; `more`:
    whether there are or may be others."""

    state: str
    host: str
    reason: str
    jobs: int
    latest_at: int
    ids: list[int]
    more: bool


def listed(account_id: int, job_filter: JobFilter, page: PageRequest) -> Page:
    """A page of failed jobs, as JobRow, in the order of insertion. It looks at job_lists.LOOKED_AT jobs at most and
    ends where it stopped."""
    states = (job_filter.state,) if job_filter.state else FAILING
    if job_filter.replayed is None:
        job_filter = job_filter._replace(replayed=False)
    places = merged_states.matching(account_id, job_filter, states, page, job_lists.LOOKED_AT)
    return job_lists.shown(Page([place.tie for place in places.rows], places.end), page.order)


def grouped(account_id: int, since: int = 0, most: int | None = None, before: int = FURTHEST) -> list[Failure]:
    """The groups of those that failed from `since` on and before `before`, the largest first. `most`: of so many jobs
    of each state; None: GROUPED."""
    latest = {state: _latest(account_id, state, since, before, most or GROUPED) for state in FAILING}
    groups: dict[tuple[str, str, str], list[tuple[int, int]]] = {}
    for state, (rows, _) in latest.items():
        for job_id, host, reason, at in rows:
            groups.setdefault((state, host, reason or UNKNOWN), []).append((job_id, at))
    failures = [_failure(key, jobs, latest[key[0]][1]) for key, jobs in groups.items()]
    return sorted(failures, key=lambda group: (-group.jobs, group.state, group.host, group.reason))


def of_group(account_id: int, state: str, host: str, reason: str, since: int = 0, before: int = FURTHEST) -> list[int]:
    """The ids of the newest jobs of one group."""
    matches = [
        group
        for group in grouped(account_id, since, before=before)
        if (group.state, group.host, group.reason) == (state, host, reason)
    ]
    return matches[0].ids if matches else []


def _failure(key: tuple[str, str, str], jobs: list[tuple[int, int]], cut: bool) -> Failure:
    ids = [job_id for job_id, _ in jobs[:EXAMPLES]]
    return Failure(*key, len(jobs), max(at for _, at in jobs), ids, cut or len(jobs) > EXAMPLES)


def _latest(
    account_id: int, state: str, since: int, before: int, most: int
) -> tuple[list[tuple[int, str, str | None, int]], bool]:
    """(id, host, reason of the latest attempt, its start) of the newest failures in a state, and whether there may be
    others. They are counted only where too few were found: that reads the index alone, and not each job."""
    sql = (
        f"WITH few AS ({NEWEST.format('id, host, attempt, attempted_at, inserted_at')}), "
        "failed AS (SELECT * FROM few WHERE COALESCE(attempted_at, inserted_at) >= %s "
        "AND COALESCE(attempted_at, inserted_at) < %s "
        "AND NOT EXISTS (SELECT 1 FROM replay WHERE replay.replay_of = few.id) "
        "ORDER BY inserted_at DESC, id DESC LIMIT %s) "
        "SELECT failed.id, failed.host, attempt.reason, COALESCE(failed.attempted_at, failed.inserted_at) FROM failed "
        "LEFT JOIN attempt ON attempt.job_id = failed.id AND attempt.number = failed.attempt ORDER BY failed.id DESC"
    )
    newest = (account_id, state, before, most * LOOKED_AT // GROUPED)
    rows = fetch(sql, (*newest, since, before, most))
    return rows, len(rows) == most or (bool(rows) and _are_more(*newest))


def _are_more(account_id: int, state: str, before: int, looked_at: int) -> bool:
    sql = f"SELECT count(*) FROM ({NEWEST.format('id')}) AS few"
    count: int = fetch(sql, (account_id, state, before, looked_at))[0][0]
    return count == looked_at
