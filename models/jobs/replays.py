"""Replays jobs: makes a new job with the same request as an old one, due now.

The old job stays as it is, and a row of `replay` links the two. Its times and idempotency key are not copied, and
neither is its schedule, which makes its own jobs. Every query names the account.
"""

import json
from collections.abc import Sequence
from typing import Any, NamedTuple
from uuid import NAMESPACE_OID, uuid5

from models.database.base import typed_columns
from models.database.sql import any_of, execute, fetch, values_table
from models.database.transactions import transaction
from models.jobs import job_store
from models.jobs.job_json import compact
from models.jobs.job_kinds import REQUEST
from models.jobs.job_store import JobRow, NewJob
from models.jobs.job_tables import Replay
from models.rules import bounds, times

POLICIES = (
    *("overlap", "misfire", "catch_up_seconds", "jitter_seconds", "disable_after_failures"),
    *bounds.NAMES,
)
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


class Links(NamedTuple):
    """UUIDs of the job that a job is a replay of, and of the replays of it, oldest first."""

    replay_of: str | None = None
    replays: tuple[str, ...] = ()


def replay(account_id: int, ids: Sequence[int], now: int, once: str | None = None, hops: int = 0) -> list[JobRow]:
    """Make jobs with the requests of these jobs of the account, due now, in the order of the old ids. `once`: a token
    of the caller; for one token each job is replayed once, however often the caller repeats the call. `hops`: through
    how many jobs the call came."""
    new = [
        (old_id, job._replace(uuid=_uuid(account_id, old_id, once), hops=max(job.hops, hops)))
        for old_id, job in replayed(account_id, ids, now)
    ]
    return create(new, now)


def replayed(account_id: int, ids: Sequence[int], now: int) -> list[tuple[int, NewJob]]:
    """The old id and the new job of those of these jobs that can be replayed, in the order of the old ids."""
    of_these, old_ids = any_of("id", ids)
    where = f"{of_these} AND account_id = %s AND kind = '{REQUEST}'"
    rows = fetch(f"SELECT id, args, {', '.join(COPIED)} FROM job WHERE {where} ORDER BY id", (old_ids, account_id))
    return [(row[0], _replayed(account_id, row[1], row[2:], now)) for row in rows]


def create(new: Sequence[tuple[int, NewJob]], now: int) -> list[JobRow]:
    """Store new jobs, each as a replay of the old id beside it."""
    with transaction():
        jobs = job_store.create_many([job for _, job in new], now)
        links = [(old_id, job.id) for (old_id, _), job in zip(new, jobs, strict=True) if job is not None]
        _link(links)
    return [job for job in jobs if job is not None]


def links_of(account_id: int, ids: Sequence[int]) -> dict[int, Links]:
    """What these jobs are replays of, and the replays of them, for those that have any."""
    of_old, params = any_of("replay.replay_of", ids)
    of_new, _ = any_of("replay.job_id", ids)
    rows = fetch(
        "SELECT replay.replay_of, replay.job_id, older.uuid, newer.uuid FROM replay "
        "JOIN job AS older ON older.id = replay.replay_of AND older.account_id = %s "
        "JOIN job AS newer ON newer.id = replay.job_id AND newer.account_id = %s "
        f"WHERE {of_old} OR {of_new} ORDER BY replay.job_id",
        (account_id, account_id, params, params),
    )
    links: dict[int, Links] = {}
    for old_id, new_id, older, newer in rows:
        old, new = links.get(old_id, Links()), links.get(new_id, Links())
        links[old_id] = old._replace(replays=(*old.replays, str(newer)))
        links[new_id] = new._replace(replay_of=str(older))
    return links


def rescheduled(new: NewJob, args: dict[str, Any], at: int) -> NewJob:
    """The job with these args, due at this instant."""
    return new._replace(args=compact(args), scheduled_at=at, retry_until=_retry_until(args.get("max_age"), at))


def _link(links: Sequence[tuple[int, int]]) -> None:
    if not links:
        return
    source, params = values_table(typed_columns(Replay, ("replay_of", "job_id")), links)
    execute(f"INSERT INTO replay (replay_of, job_id) SELECT replay_of, job_id FROM {source} AS input", params)


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
