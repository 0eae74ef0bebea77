"""Lists the account's failed jobs, discarded or to be retried, and groups the latest of them by host and reason.

A job of which there is a replay is no failure any more: somebody has seen to it. The groups are made of the latest
`LOOKED_AT` jobs of each state, so the cost does not grow with the number of jobs.
"""

from typing import NamedTuple

from models.database.paging import Page, PageRequest
from models.database.sql import fetch
from models.jobs import job_lists
from models.jobs.job_kinds import REQUEST
from models.jobs.searches import merged_states
from models.jobs.searches.job_filter import FAILING, UNKNOWN, JobFilter

LOOKED_AT = 1000
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


def grouped(account_id: int) -> list[Failure]:
    """The groups, the largest first."""
    latest = {state: _latest(account_id, state) for state in FAILING}
    groups: dict[tuple[str, str, str], list[tuple[int, int]]] = {}
    for state, rows in latest.items():
        for job_id, host, reason, at, is_replayed in rows:
            if is_replayed:
                continue
            groups.setdefault((state, host, reason or UNKNOWN), []).append((job_id, at))
    failures = [_failure(key, jobs, len(latest[key[0]]) == LOOKED_AT) for key, jobs in groups.items()]
    return sorted(failures, key=lambda group: (-group.jobs, group.state, group.host, group.reason))


def of_group(account_id: int, state: str, host: str, reason: str) -> list[int]:
    """The ids of the newest jobs of one group."""
    matches = [
        group for group in grouped(account_id) if (group.state, group.host, group.reason) == (state, host, reason)
    ]
    return matches[0].ids if matches else []


def _failure(key: tuple[str, str, str], jobs: list[tuple[int, int]], cut: bool) -> Failure:
    ids = [job_id for job_id, _ in jobs[:EXAMPLES]]
    return Failure(*key, len(jobs), max(at for _, at in jobs), ids, cut or len(jobs) > EXAMPLES)


def _latest(account_id: int, state: str) -> list[tuple[int, str, str | None, int, bool]]:
    """(id, host, reason of the latest attempt, its start, whether there is a replay) of the newest jobs in a state."""
    sql = (
        "SELECT few.id, few.host, attempt.reason, COALESCE(few.attempted_at, few.inserted_at), "
        "EXISTS (SELECT 1 FROM replay WHERE replay.replay_of = few.id) FROM "
        f"(SELECT id, host, attempt, attempted_at, inserted_at FROM job WHERE account_id = %s AND kind = '{REQUEST}' "
        "AND state = %s ORDER BY inserted_at DESC, id DESC LIMIT %s) AS few "
        "LEFT JOIN attempt ON attempt.job_id = few.id AND attempt.number = few.attempt ORDER BY few.id DESC"
    )
    return [(*row[:4], bool(row[4])) for row in fetch(sql, (account_id, state, LOOKED_AT))]
