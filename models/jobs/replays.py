"""Replays jobs: makes a new job with the same request as an old one, due now.

The old job stays as it is. Its times and idempotency key are not copied, and neither is its schedule, which makes its
own jobs. Every query names the account.
"""

import json
from collections.abc import Sequence
from typing import Any
from uuid import NAMESPACE_OID, uuid5

from models.database.sql import any_of, fetch
from models.jobs import job_store
from models.jobs.job_json import compact
from models.jobs.job_kinds import REQUEST
from models.jobs.job_store import JobRow, NewJob
from models.rules import times

POLICIES = ("overlap", "misfire", "catch_up_seconds", "jitter_seconds", "disable_after_failures")
TIMES = ("schedule_in", "scheduled_at", "repeat_every", "cron", "timezone", "idempotency_key", "dedup")
NOT_REPLAYED = (*TIMES, *POLICIES)
COPIED = (  # columns of the old job; `job_store.COPIED` is another list: what a new row takes from NewJob
    "notify",
    "body",
    "content_type",
    "name",
    "description",
    "max_attempts",
    "timeout_ms",
    "ack_within_us",
    "host",
    "hops",
    "backoff",
    "redact",
    "judging",
    "flow_id",
    "lane_id",
)


def replay(account_id: int, ids: Sequence[int], now: int, once: str | None = None) -> list[JobRow]:
    """Make jobs with the requests of these jobs of the account, due now, in the order of the old ids. `once`: a token
    of the caller; for one token each job is replayed once, however often the caller repeats the call."""
    of_these, old_ids = any_of("id", ids)
    where = f"{of_these} AND account_id = %s AND kind = '{REQUEST}'"
    rows = fetch(f"SELECT id, args, {', '.join(COPIED)} FROM job WHERE {where} ORDER BY id", (old_ids, account_id))
    new = [_replayed(account_id, row[1], row[2:], now)._replace(uuid=_uuid(account_id, row[0], once)) for row in rows]
    jobs = job_store.create_many(new, now)
    return [job for job in jobs if job is not None]


def _uuid(account_id: int, job_id: int, once: str | None) -> str | None:
    """The same for the same token: the database takes one of two rows with it."""
    return None if once is None else str(uuid5(NAMESPACE_OID, f"booper {account_id} {job_id} {once}"))


def _replayed(account_id: int, args_text: str, copied: Sequence[Any], now: int) -> NewJob:
    args = {name: value for name, value in json.loads(args_text).items() if name not in NOT_REPLAYED}
    return NewJob(
        account_id=account_id,
        args=compact(args),
        scheduled_at=now,
        retry_until=_retry_until(args.get("max_age"), now),
        labels=tuple(args.get("labels") or ()),
        **dict(zip(COPIED, copied, strict=True)),
    )


def _retry_until(max_age: Any, now: int) -> int | None:
    return None if max_age is None else now + times.parse_duration(max_age)
