"""Counts an account's jobs by situation, and lists what comes next, for the overview page.

The cost does not grow with the number of jobs: counts end at `CAP`, lists are short and come from an index.
"""

from typing import NamedTuple

from models.database.sql import fetch
from models.jobs.job_kinds import REQUEST
from models.jobs.searches.job_filter import FAILING
from models.jobs.states import LATER_SQL

CAP = 10_000
MANY = 100  # failures beyond which nobody counts
NOT_REPLAYED = "NOT EXISTS (SELECT 1 FROM replay WHERE replay.replay_of = few.id)"
OF_KIND = f"account_id = %s AND kind = '{REQUEST}'"


class Counts(NamedTuple):
    """How many of the account's jobs are in each situation, `CAP` + 1 at most.

    `due`: their time has come; `running`: under way; `waiting`: their time is to come; `failing`: failed, tried again.
    """

    due: int
    running: int
    waiting: int
    failing: int


class Upcoming(NamedTuple):
    """A job that waits; `args` is JSON, see models/jobs/job_tables.py."""

    id: int
    uuid: str
    name: str | None
    args: str
    state: str
    scheduled_at: int
    schedule_id: str | None


SHOWN = ", ".join(Upcoming._fields)


def counts(account_id: int, now: int) -> Counts:
    available, running, failing = (
        _count("state = %s", account_id, state) for state in ("available", "executing", "retryable")
    )
    due = available + _count(f"{LATER_SQL} AND scheduled_at <= %s", account_id, now)
    waiting = _count(f"{LATER_SQL} AND scheduled_at > %s", account_id, now)
    return Counts(min(due, CAP + 1), running, waiting, failing)


def failing_of_late(account_id: int, since: int) -> int:
    """How many of the newest failed jobs failed after `since`, whether they are tried again or not, `MANY` of each at
    most. A job that was run again is no failure any more."""
    newest = (
        "SELECT id, COALESCE(attempted_at, inserted_at) AS failed_at FROM job "
        f"WHERE {OF_KIND} AND state = %s ORDER BY inserted_at DESC, id DESC LIMIT %s"
    )
    failed = f"SELECT count(*) FROM ({newest}) AS few WHERE failed_at >= %s AND {NOT_REPLAYED}"
    counts = [fetch(failed, (account_id, state, MANY, since))[0][0] for state in FAILING]
    return min(sum(counts), MANY)


def upcoming(account_id: int, limit: int) -> list[Upcoming]:
    """The jobs to be sent next, soonest first."""
    rows = [
        row
        for condition, order in (("state = 'available'", "inserted_at, id"), (LATER_SQL, "scheduled_at"))
        for row in fetch(
            f"SELECT {SHOWN} FROM job WHERE {OF_KIND} AND {condition} ORDER BY {order} LIMIT %s", (account_id, limit)
        )
    ]
    return sorted((Upcoming(*row) for row in rows), key=lambda job: (job.scheduled_at, job.id))[:limit]


def _count(condition: str, account_id: int, value: int | str) -> int:
    sql = f"SELECT count(*) FROM (SELECT 1 FROM job WHERE {OF_KIND} AND {condition} LIMIT %s) AS few"
    count: int = fetch(sql, (account_id, value, CAP + 1))[0][0]
    return count
