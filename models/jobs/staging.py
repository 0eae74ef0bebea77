"""Stages jobs: marks which jobs a message names, holds jobs back for a while, and counts the backlog.

A mark (`staged_at`) is no part of the state. Of a stored job only this module, the transitions of
`models/jobs/lifecycle.py` and `models/flows/parking.py` write `staged_at`, `held_until` and `parked_by`. Only this
module writes `after_uuid`.
"""

from collections.abc import Sequence
from typing import NamedTuple

from models.database.connection import dialect
from models.database.sql import any_of, execute, fetch, lock_free, skipping_locked, unlocked, values_table
from models.database.transactions import transaction, write_turn
from models.jobs.job_kinds import REQUEST, is_follow_up
from models.jobs.job_ref import JobRef, ref_of
from models.jobs.states import LEAVES, WAITING_SQL
from models.jobs.transition_counts import count_transition
from models.rules import clock

RETURN_US = clock.SECOND // 4  # snoozed jobs return at its multiples
DUE_AT = "COALESCE(held_until, scheduled_at)"
# The cast hides the partial index job_after: believed empty, it was searched whole for each set of ids.
WAITS_FOR_EVENT = "CAST(after_uuid AS TEXT) IS NOT NULL"
PAUSED_UNTIL = 253_402_300_799 * clock.SECOND  # the last second of the year 9999
DUE = f"id, {DUE_AT}, account_id, host, kind, timeout_ms, flow_id, lane_id"


class DueJob(NamedTuple):
    """A waiting job that a message is to name. `due_at`: when it is due, or until when it is held back."""

    id: int
    due_at: int
    account_id: int
    host: str
    kind: str = REQUEST
    timeout_ms: int = 0
    flow_id: int | None = None
    lane_id: int | None = None

    @property
    def is_follow_up(self) -> bool:
        return is_follow_up(self.kind)

    @property
    def ref(self) -> JobRef:
        return ref_of(self.id, self.account_id, self.host, self.kind, self.timeout_ms)


def due(first: int, last: int, limit: int) -> list[DueJob]:
    """Waiting jobs due from `first` to `last` that no message names yet, soonest first."""
    rows = fetch(f"SELECT {DUE} FROM job WHERE {_unnamed(requests_only=False)} LIMIT %s", (first, last, limit))
    return [DueJob(*row) for row in rows]


def first_due(first: int, last: int) -> int | None:
    """When the soonest of these jobs is due; None: there is none."""
    return next((job.due_at for job in due(first, last, 1)), None)


def stage(now: int, first: int, last: int, limit: int, requests_only: bool = False) -> list[DueJob]:
    """Mark waiting jobs due from `first` to `last` for the message that is about to name them: at most `limit` that no
    message names yet, the soonest first. Returns those marked, soonest first.

    They are marked before they are published, so that a claim never meets its own mark. When two stage at once, the
    second passes over what the first has locked. It finds and marks in one statement, so that rows that another
    session holds take up no room of those behind them.
    """
    chosen = f"SELECT id FROM job WHERE {_unnamed(requests_only)} LIMIT %s{skipping_locked()}"
    these = f"id = ANY(ARRAY({chosen}))" if dialect() == "postgresql" else f"id IN ({chosen})"
    # "+ 0" hides the partial index of unstaged jobs: empty when last analyzed, it would be searched whole for each id.
    with transaction():
        rows = fetch(
            "UPDATE job SET staged_count = staged_count + 1, "
            f"staged_at = CASE WHEN {DUE_AT} > %s THEN {DUE_AT} ELSE CAST(%s AS BIGINT) END "
            f"WHERE {these} AND staged_at + 0 IS NULL AND {LEAVES['stage']} RETURNING {DUE}",
            (now, now, first, last, limit),
        )
        count_transition("staged", rows)
    return sorted((DueJob(*row) for row in rows), key=lambda job: (job.due_at, job.id))


def stage_parked(turns: Sequence[tuple[int, int]]) -> list[DueJob]:
    """Mark parked jobs for the messages that are about to name them, each for the instant of its turn; returns those
    marked, soonest first. They are held no longer, so a job whose message is lost is staged like any other."""
    if not turns:
        return []
    table, rows_in = values_table("id bigint, at bigint", turns)
    guard = f"parked_by IS NOT NULL AND staged_at + 0 IS NULL AND {LEAVES['stage']}"
    these, params = unlocked("job", [job_id for job_id, _ in turns], guard)
    with transaction():
        rows = fetch(
            "UPDATE job SET staged_count = staged_count + 1, staged_at = input.at, held_until = NULL "
            f"FROM {table} AS input WHERE job.id = input.id AND {these} "
            "RETURNING job.id, staged_at, account_id, host, kind, timeout_ms",
            (*rows_in, *params),
        )
        count_transition("staged", rows)
    return sorted((DueJob(*row) for row in rows), key=lambda job: (job.due_at, job.id))


def _unnamed(requests_only: bool) -> str:
    """The condition and the order of jobs due from one instant to another that no message names yet."""
    kinds = f" AND kind = '{REQUEST}'" if requests_only else ""
    return f"staged_at IS NULL AND {WAITING_SQL} AND {DUE_AT} >= %s AND {DUE_AT} <= %s{kinds} ORDER BY {DUE_AT}, id"


def unstage(ids: Sequence[int]) -> int:
    """Note that no message names these jobs any more, so that the stager takes them again. Passes over jobs that
    another session holds: their message counts as lost later on."""
    if not ids:
        return 0
    these, params = unlocked("job", ids, WAITING_SQL)
    with write_turn():
        return execute(f"UPDATE job SET staged_at = NULL WHERE {these}", params)


def unstage_unpublished(ids: Sequence[int]) -> list[int]:
    """Unstage jobs whose message was not published, whether their marks were stored or not. Returns those that another
    session holds: it may be about to store their marks."""
    with transaction():
        free, held = lock_free("job", ids)
        unstage(free)
    return held


def unstage_lost(staged_before: int, staged_from: int = 0) -> int:
    """Unstage every job staged before an instant until which all messages are known to be delivered or lost."""
    lost = "SELECT id FROM job WHERE staged_at IS NOT NULL AND staged_at >= %s AND staged_at < %s"
    with transaction():
        rows = fetch(f"{lost}{skipping_locked()}", (staged_from, staged_before))
        these, params = any_of("id", [row[0] for row in rows])
        return execute(f"UPDATE job SET staged_at = NULL WHERE {these}", (params,))


def snooze(ids: Sequence[int], now: int, base_us: int) -> dict[int, int | None]:
    """Snooze jobs that may not begin now: clear `staged_at`, and set `held_until`, which is returned by the id, to

        now + base_us * 2^n, n = how many messages have named the job in vain, at most 5,

    rounded up to a quarter second, so that jobs that return together share a message. A job that is not due yet, such
    as one that a stale message names, waits for its own instant: held until an earlier instant it would be staged again
    and again. A snoozed job waits at no gate: it would keep its place there from jobs that may begin.
    """
    if not ids:
        return {}
    vain = "staged_count - attempt"
    times = f"CASE WHEN {vain} < 1 THEN 1 WHEN {vain} < 5 THEN 1 << ({vain}) ELSE 32 END"
    these, params = unlocked("job", ids, WAITING_SQL)
    with write_turn():
        rows = fetch(
            "UPDATE job SET staged_at = NULL, parked_by = NULL, held_until = CASE WHEN scheduled_at <= %s THEN "
            f"((CAST(%s AS BIGINT) + CAST(%s AS BIGINT) * ({times})) / {RETURN_US} + 1) * {RETURN_US} END "
            f"WHERE {these} RETURNING id, held_until",
            (now, now, base_us, *params),
        )
    return dict(rows)


def held_until(ids: Sequence[int]) -> dict[int, int]:
    """Until when those of the jobs are held that wait and are held, by their ids."""
    these, params = any_of("id", ids)
    sql = f"SELECT id, held_until FROM job WHERE {these} AND {WAITING_SQL} AND held_until IS NOT NULL"
    return dict(fetch(sql, (params,)))


def release_hold(ids: Sequence[int]) -> int:
    """Let snoozed jobs be staged at once. Passes over jobs that another session holds: they wait for their time."""
    these, params = unlocked("job", ids, f"{WAITING_SQL} AND held_until IS NOT NULL")
    with write_turn():
        return execute(f"UPDATE job SET staged_at = NULL, held_until = NULL WHERE {these}", params)


def pause(ids: Sequence[int]) -> int:
    """Hold jobs back until `resume`."""
    these, params = any_of("id", ids)
    with transaction():
        return execute(
            f"UPDATE job SET staged_at = NULL, parked_by = NULL, held_until = {PAUSED_UNTIL} "
            f"WHERE {these} AND {WAITING_SQL}",
            (params,),
        )


def resume(ids: Sequence[int], event_until: int) -> int:
    """Let paused jobs be staged when they are due; those that wait for an event go on waiting, until `event_until` at
    most."""
    these, params = any_of("id", ids)
    held_until = f"CASE WHEN {WAITS_FOR_EVENT} THEN CAST(%s AS BIGINT) END"
    with transaction():
        return execute(
            f"UPDATE job SET staged_at = NULL, held_until = {held_until} WHERE {these} AND {WAITING_SQL} "
            f"AND held_until = {PAUSED_UNTIL}",
            (event_until, params),
        )


def release_events(ids: Sequence[int]) -> int:
    """Let those of the events that wait for another event be staged at once.

    Passes over events that another session has locked: if two sessions locked two sets crosswise, one would fail.
    """
    if not ids:
        return 0
    these, params = unlocked("job", ids, WAITS_FOR_EVENT)
    with write_turn():
        return execute(f"UPDATE job SET held_until = NULL, after_uuid = NULL WHERE {these}", params)


def wait_behind(ids: Sequence[int], uuids: Sequence[str]) -> None:
    """Let each of the jobs that wait for another one wait for that of the uuid at its place instead. Passes over those
    that another session has locked."""
    if not ids:
        return
    these, params = unlocked("job", ids, "CAST(job.after_uuid AS TEXT) IS NOT NULL")
    table, rows = values_table("id bigint, after_uuid uuid", list(zip(ids, uuids, strict=True)))
    with write_turn():
        execute(
            f"UPDATE job SET after_uuid = input.after_uuid FROM {table} AS input WHERE job.id = input.id AND {these}",
            (*rows, *params),
        )


def unclaimed(ids: Sequence[int], now: int) -> tuple[list[int], list[int]]:
    """Those of the jobs that wait and that a message names: first those that wait for an instant after `now` (their
    message came early, or they were moved), then those that are due (another session held them)."""
    these, params = any_of("id", ids)
    rows = fetch(
        f"SELECT id, scheduled_at > %s FROM job WHERE {these} AND {WAITING_SQL} AND staged_at + 0 IS NOT NULL",
        (now, params),
    )
    return [job_id for job_id, is_early in rows if is_early], [job_id for job_id, is_early in rows if not is_early]


def staged_between(first: int, last: int, limit: int) -> int:
    """How many jobs have `staged_at` from `first` to `last`; counts no further than `limit`."""
    sql = (
        "SELECT count(*) FROM (SELECT 1 FROM job WHERE staged_at IS NOT NULL AND staged_at >= %s AND staged_at <= %s "
        "LIMIT %s) AS few"
    )
    return fetch(sql, (first, last, limit))[0][0]


def parked_staged(first: int, last: int, limit: int) -> int:
    """How many of the jobs that `staged_between` counts are parked; counts no further than `limit`."""
    sql = (
        "SELECT count(*) FROM (SELECT 1 FROM job WHERE staged_at IS NOT NULL AND staged_at >= %s AND staged_at <= %s "
        "AND parked_by IS NOT NULL LIMIT %s) AS few"
    )
    return fetch(sql, (first, last, limit))[0][0]


def first_staged(first: int) -> int | None:
    """Since when the first of the jobs that are marked since `first` or later is marked; None: there is none."""
    sql = "SELECT staged_at FROM job WHERE staged_at IS NOT NULL AND staged_at >= %s ORDER BY staged_at LIMIT 1"
    return next((staged_at for (staged_at,) in fetch(sql, (first,))), None)


def backlog(now: int, limit: int, due_from: int = 0, staged_from: int = 0) -> tuple[int, int]:
    """How many waiting jobs are due, and how long the oldest of those counted has been due, in microseconds.

    Counts at most `limit` jobs that no message names, and as many that one does. A snoozed job counts from its return.
    Looks at jobs due from one instant on, and at those marked from the other on.
    """
    unstaged = f"staged_at IS NULL AND {WAITING_SQL} AND {DUE_AT} >= %s AND {DUE_AT} <= %s ORDER BY {DUE_AT}"
    staged = f"staged_at IS NOT NULL AND staged_at >= %s AND staged_at <= %s AND {WAITING_SQL} ORDER BY staged_at"
    jobs, oldest_at = 0, now
    for where, first in ((unstaged, due_from), (staged, staged_from)):
        due_jobs = f"SELECT scheduled_at FROM job WHERE {where} LIMIT %s"
        sql = f"SELECT count(*), min(scheduled_at) FROM ({due_jobs}) AS due_jobs"
        count, first_at = fetch(sql, (first, now, limit))[0]
        jobs, oldest_at = jobs + count, min(oldest_at, first_at or now)
    return jobs, now - oldest_at
