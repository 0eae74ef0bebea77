"""Makes a job once within a window of time, whatever becomes of it: whoever orders it again gets the first one.

A window is a row with an expiry, unique by account and digest (of a key or of the content). It is written in the
transaction that makes its job. A second order waits at the unique index until the first commits or rolls back: then it
finds the job, or takes the window. Windows are taken in the order of their digests, so two batches do not deadlock. On
SQLite the writers take turns. A job that is deleted ends its window.
"""

from collections.abc import Callable, Collection, Mapping, Sequence

from models.database.ids import new_id
from models.database.sql import any_of, execute, fetch, unlocked, values_table
from models.database.transactions import transaction, write_turn
from models.jobs.job_store import SHOWN, JobRow, NewJob, shown_row

ROUNDS = 100
Stored = tuple[JobRow, bool]


def create_each(
    new: Sequence[NewJob], now: int, create: Callable[[Sequence[NewJob]], Sequence[Stored]]
) -> list[Stored]:
    """Store with `create` those of the account's jobs whose window no other job holds. In their order: each job's row
    and True, or the row of the job that holds its window (or its idempotency key) and False."""
    with transaction():
        named = [job._replace(uuid=job.uuid or new_id()) for job in new]
        firsts: dict[str, NewJob] = {}
        for job in named:
            if job.dedup:
                firsts.setdefault(job.dedup.digest, job)
        holders = _take(firsts, now)
        made = [job for job in named if not job.dedup or (_is(job, firsts) and job.dedup.digest not in holders)]
        results = dict(zip((job.uuid for job in made), create(made) if made else [], strict=True))
        _point_to_others(made, results)
        return [results.get(job.uuid) or (_holder_of(job, firsts, holders, results), False) for job in named]


def prune(limit: int, now: int) -> int:
    """Delete up to `limit` windows that have expired; returns how many."""
    old = fetch("SELECT id FROM dedup_window WHERE expires_at <= %s ORDER BY expires_at LIMIT %s", (now, limit))
    if not old:
        return 0
    # A window may have been taken anew in between, or just be taken.
    these, params = unlocked("dedup_window", [row[0] for row in old], "expires_at <= %s", (now,))
    with write_turn():
        return execute(f"DELETE FROM dedup_window WHERE {these}", params)


def _take(firsts: Mapping[str, NewJob], now: int) -> dict[str, JobRow]:
    """Take the windows of these jobs, by digest; returns the jobs that hold the others."""
    holders: dict[str, JobRow] = {}
    left = set(firsts)
    for _ in range(ROUNDS):
        left -= _taken([firsts[digest] for digest in sorted(left)], now) if left else set()
        if not left:
            return holders
        account_id = next(iter(firsts.values())).account_id
        others = _holders(account_id, left)
        holders |= others
        left -= set(others)
        _end_of_deleted(account_id, left)
    raise RuntimeError(f"job not stored: its window was taken and ended {ROUNDS} times in a row")


def _taken(jobs: Sequence[NewJob], now: int) -> set[str]:
    rows = [(job.account_id, job.dedup.digest, job.uuid, now + job.dedup.for_us) for job in jobs if job.dedup]
    source, params = values_table("account_id bigint, digest text, job_uuid uuid, expires_at bigint", rows)
    taken = fetch(
        "INSERT INTO dedup_window (account_id, digest, job_uuid, expires_at) "
        f"SELECT account_id, digest, job_uuid, expires_at FROM {source} AS input WHERE true ORDER BY digest "
        "ON CONFLICT (account_id, digest) DO UPDATE SET job_uuid = excluded.job_uuid, "
        "expires_at = excluded.expires_at WHERE dedup_window.expires_at <= %s RETURNING digest",
        (*params, now),
    )
    return {digest for (digest,) in taken}


def _holders(account_id: int, digests: Collection[str]) -> dict[str, JobRow]:
    these, params = any_of("digest", sorted(digests), "text")
    shown = ", ".join(f"job.{column}" for column in SHOWN.split(", "))
    rows = fetch(
        f"SELECT digest, {shown} FROM dedup_window JOIN job ON job.uuid = dedup_window.job_uuid "
        f"WHERE dedup_window.account_id = %s AND {these}",
        (account_id, params),
    )
    return {digest: shown_row(job) for digest, *job in rows}


def _end_of_deleted(account_id: int, digests: Collection[str]) -> None:
    """End the windows whose jobs are gone."""
    these, params = any_of("digest", sorted(digests), "text")
    execute(
        f"DELETE FROM dedup_window WHERE account_id = %s AND {these} "
        "AND NOT EXISTS (SELECT 1 FROM job WHERE job.uuid = dedup_window.job_uuid)",
        (account_id, params),
    )


def _is(job: NewJob, firsts: Mapping[str, NewJob]) -> bool:
    """Whether the job is the first with its window in this call."""
    return job.dedup is not None and firsts[job.dedup.digest] is job


def _point_to_others(made: Sequence[NewJob], results: Mapping[str | None, Stored]) -> None:
    """Let the windows of jobs that were not made name the jobs that hold their idempotency keys."""
    for job in made:
        row, is_made = results[job.uuid]
        if job.dedup and not is_made:
            execute(
                "UPDATE dedup_window SET job_uuid = %s WHERE account_id = %s AND digest = %s",
                (row.uuid, job.account_id, job.dedup.digest),
            )


def _holder_of(
    job: NewJob,
    firsts: Mapping[str, NewJob],
    holders: Mapping[str, JobRow],
    results: Mapping[str | None, Stored],
) -> JobRow:
    if job.dedup is None:
        raise AssertionError("a job without a window is made")
    digest = job.dedup.digest
    return holders[digest] if digest in holders else results[firsts[digest].uuid][0]
