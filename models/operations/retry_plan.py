"""Says when the coming attempts of a job would be made, if each failed at once."""

import json
from typing import Any, NamedTuple

from models.database.sql import fetch
from models.jobs.states import WAITING
from models.rules import backoff

MAX_COMING = 30
MEAN_FRACTION = 0.5  # jitter as it is on average


class RetryPolicy(NamedTuple):
    """How a job is tried again; see models/jobs/job_tables.py for each column."""

    state: str
    scheduled_at: int
    attempt: int
    max_attempts: int
    backoff: str | None
    retry_until: int | None


def policy_of(account_id: int, job_id: int) -> RetryPolicy | None:
    """The account's job of this integer; None when there is none."""
    columns = ", ".join(RetryPolicy._fields)
    rows = fetch(f"SELECT {columns} FROM job WHERE id = %s AND account_id = %s", (job_id, account_id))
    return RetryPolicy(*rows[0]) if rows else None


def coming(policy: RetryPolicy) -> list[int]:
    """The instants of the attempts to come, MAX_COMING at most: the next as it is planned, the others as an average."""
    if policy.state not in WAITING:
        return []
    rule: Any = None if policy.backoff is None else json.loads(policy.backoff)
    instants = [policy.scheduled_at]
    for number in range(policy.attempt + 1, min(policy.max_attempts, policy.attempt + MAX_COMING)):
        instants.append(instants[-1] + backoff.delay_us(rule, number, MEAN_FRACTION))
    return [at for at in instants if policy.retry_until is None or at <= policy.retry_until]
