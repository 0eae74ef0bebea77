"""Says what came of each run of a schedule.

The row of its instant says whether a job began, and the job how it ended.
"""

from collections.abc import Iterable, Mapping, Sequence

from models.database.sql import any_of, fetch
from models.schedules import firing_rows
from models.schedules.firing_rows import BACKFILLED, CANCELLED, FIRED, LATE, STATUSES, FiringRow

SUCCEEDED, RETRYING, FAILED, RUNNING = "succeeded", "retrying", "failed", "running"
# What a job tells, and the statuses of instants. FIRED is the result of a run whose job is deleted: its end is unknown.
RESULTS = (SUCCEEDED, RETRYING, FAILED, RUNNING, *STATUSES)
GOOD = (SUCCEEDED, LATE, BACKFILLED)  # those whose job succeeded
HAVE_JOBS = (FIRED, LATE, BACKFILLED)
OF_STATE = {
    "completed": SUCCEEDED,
    "retryable": RETRYING,
    "discarded": FAILED,
    "cancelled": CANCELLED,
    **dict.fromkeys(("executing", "available", "scheduled"), RUNNING),
}


def latest(
    account_id: int, schedule_ids: Sequence[str], limit: int = firing_rows.LATEST_LIMIT
) -> dict[str, list[FiringRow]]:
    """The latest rows of each of the account's schedules that has any, at most `limit`, oldest first, with results in
    the place of their statuses."""
    firings = firing_rows.latest(schedule_ids, limit)
    states = states_of(account_id, [row.job_id for rows in firings.values() for row in rows if row.status in HAVE_JOBS])
    return {key: [row._replace(status=_result(row, states)) for row in rows] for key, rows in firings.items()}


def _result(row: FiringRow, states: Mapping[int, str]) -> str:
    if row.job_id is None or row.status not in HAVE_JOBS or row.job_id not in states:
        return row.status
    result = OF_STATE[states[row.job_id]]
    return row.status if result == SUCCEEDED and row.status != FIRED else result


def states_of(account_id: int, ids: Iterable[int | None]) -> dict[int, str]:
    """The states of those of the account's jobs that are still there."""
    these, params = any_of("id", sorted({job_id for job_id in ids if job_id is not None}))
    return dict(fetch(f"SELECT id, state FROM job WHERE {these} AND account_id = %s", (params, account_id)))
