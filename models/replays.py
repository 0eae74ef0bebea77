"""Owns ordering again what was ordered before: a new job with the same request, due now.

The old job stays as it is. Times and idempotency key belong to the old order and are left out; so is the schedule,
whose runs are its own affair. Every question names the account.
"""

import json
from collections.abc import Sequence
from typing import Any

from models import jobs, moments
from models.database import fetch, one_of
from models.job import REQUEST
from models.jobs import JobRow, NewJob
from models.shapes import compact

POLICIES = ("overlap", "misfire", "catch_up_seconds", "jitter_seconds", "disable_after_failures")
TIMES = ("schedule_in", "scheduled_at", "repeat_every", "cron", "timezone", "idempotency_key")
NOT_AGAIN = (*TIMES, *POLICIES)
COPIED = (
    "notify",
    "body",
    "content_type",
    "name",
    "description",
    "max_attempts",
    "timeout_ms",
    "host",
    "hops",
    "backoff",
    "redact",
)


def order_again(account_id: int, ids: Sequence[int], now: int) -> list[JobRow]:
    """Jobs that ask for the same as these of the account's, due now, in the order of the old ids."""
    these, given = one_of("id", ids)
    where = f"{these} AND account_id = %s AND kind = '{REQUEST}'"
    rows = fetch(f"SELECT args, {', '.join(COPIED)} FROM job WHERE {where} ORDER BY id", (given, account_id))
    made = jobs.create_many([_again(account_id, row[0], row[1:], now) for row in rows], now)
    return [job for job in made if job is not None]


def _again(account_id: int, args_text: str, copied: Sequence[Any], now: int) -> NewJob:
    args = {name: value for name, value in json.loads(args_text).items() if name not in NOT_AGAIN}
    return NewJob(
        account_id=account_id,
        args=compact(args),
        scheduled_at=now,
        retry_until=_retry_until(args.get("max_age"), now),
        labels=tuple(args.get("labels") or ()),
        **dict(zip(COPIED, copied, strict=True)),
    )


def _retry_until(max_age: Any, now: int) -> int | None:
    return None if max_age is None else now + moments.duration(max_age)
