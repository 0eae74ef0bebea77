"""Owns `Job.state`: the states, which transitions there are, and one guarded set-update for each.

Nothing else writes a state. Each verb takes a set of jobs and the caller's `now`, and returns what it changed;
a lost race is a normal return value, never an error. What makes them safe: one UPDATE a verb whose WHERE names the
states it may leave, so of two racers one finds no row; and the fence `claim_id`, a random number that each claim
draws anew, so a holder whose claim was rescued can't record for the next one. Attempt numbers or states can't fence:
a rescue makes two holders of one state.
"""

import secrets
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from models.database.sql import any_of, execute, fetch, skipping_locked, values_table
from models.database.transactions import transaction
from models.jobs.job_tables import REQUEST
from models.jobs.transition_counts import count_transition
from models.rules import clock

WAITING = ("available", "scheduled", "retryable")
FINAL = ("completed", "discarded", "cancelled")
STATES = ("available", "scheduled", "executing", "retryable", *FINAL)

TRANSITIONS: dict[str, tuple[tuple[str, ...], str | None]] = {
    # verb: (states it leaves, state it enters; None: the same (stage) or none at all (prune))
    "stage": (WAITING, None),
    "claim": (WAITING, "executing"),
    "complete": (("executing",), "completed"),
    "retry": (("executing",), "retryable"),
    "discard": (("executing",), "discarded"),
    "release": (("executing",), "available"),
    "cancel": ((*WAITING, "executing"), "cancelled"),
    "rescue": (("executing",), "available"),
    "discard_lost": (("executing",), "discarded"),
    "prune": (FINAL, None),
}

IS_WAITING = "state IN ('available', 'scheduled', 'retryable')"
IS_LIVE = "state IN ('available', 'scheduled', 'retryable', 'executing')"  # as the index job_of_schedule spells it
ENDS_CLAIM = "claim_id = NULL, lease_until = NULL"
ENDED = "crashes = 0"  # of an attempt that ended: earlier silence is forgotten
LEASE_ENDED = "lease_until IS NOT NULL AND lease_until <= %s AND state = 'executing'"
RESCUED_AT_ONCE = 500
RETURN_US = clock.SECOND // 4  # jobs put off return at its multiples
CRASHES_ALLOWED = 3  # a job whose holder fell silent this often is given up
ALONE_US = 2 * clock.SECOND  # how long a job whose next crash is its last is under way by itself, unless it ends sooner


Named = tuple[int, int, str]  # a job as a message names it: id, whose share of the slots it takes, the target's host


def named(job_id: int, account_id: int, host: str, kind: str) -> Named:
    """Follow-ups have a share apart from that of their account's requests: the account's id negated."""
    return job_id, account_id if kind == REQUEST else -account_id, host


class DueJob(NamedTuple):
    """A waiting job that a message is to name. `due_at`: when it is due, or until when it is held back."""

    id: int
    due_at: int
    account_id: int
    host: str
    kind: str = REQUEST

    @property
    def named(self) -> Named:
        return named(self.id, self.account_id, self.host, self.kind)


class ScheduleState(NamedTuple):
    """What a schedule remembered when its job was claimed, as JSON: the answer before (None: none yet), its state."""

    previous: str | None
    state: str


class ClaimedJob(NamedTuple):
    """A job in the hands of this process until its lease ends: all that is needed to send and to record it."""

    id: int
    uuid: str
    account_id: int
    host: str
    hops: int
    kind: str
    schedule_id: str | None
    attempt: int
    max_attempts: int
    timeout_ms: int
    backoff: str | None
    retry_until: int | None
    redact: str | None
    inserted_at: int
    scheduled_at: int
    attempted_at: int
    args: str
    body: bytes | None
    content_type: str | None
    claim_id: int
    fire_at: int | None = None
    notify: str | None = None
    parent_id: int | None = None
    memory: ScheduleState | None = None  # of a schedule's job; put in by models/schedules/overlap.py

    def __repr__(self) -> str:
        return f"ClaimedJob(id={self.id}, kind={self.kind!r}, attempt={self.attempt})"  # the rest may hold secrets

    @property
    def named(self) -> Named:
        return named(self.id, self.account_id, self.host, self.kind)


class CancelledJob(NamedTuple):
    """A job that has just been cancelled."""

    id: int
    account_id: int
    schedule_id: str | None


class LostJob(NamedTuple):
    """A job whose holder fell silent."""

    id: int
    account_id: int
    schedule_id: str | None
    attempt: int
    scheduled_at: int
    attempted_at: int
    max_attempts: int
    crashes: int
    kind: str = REQUEST
    notify: str | None = None
    parent_id: int | None = None


DUE_AT = "COALESCE(held_until, scheduled_at)"
DUE = f"id, {DUE_AT}, account_id, host, kind"
CLAIMED = ", ".join(f"job.{name}" for name in ClaimedJob._fields if name != "memory")
LOST = ", ".join(f"job.{name}" for name in LostJob._fields)


def staged_between(first: int, last: int, limit: int) -> int:
    """How many jobs a message names since an instant from `first` to `last`; counts no further than `limit`."""
    sql = (
        "SELECT count(*) FROM (SELECT 1 FROM job WHERE staged_at IS NOT NULL AND staged_at >= %s AND staged_at <= %s "
        "LIMIT %s) AS few"
    )
    return fetch(sql, (first, last, limit))[0][0]


def due(first: int, last: int, limit: int) -> list[DueJob]:
    """Waiting jobs due from `first` to `last` that no message names yet, soonest first."""
    rows = fetch(
        f"SELECT {DUE} FROM job WHERE staged_at IS NULL AND {IS_WAITING} "
        f"AND {DUE_AT} >= %s AND {DUE_AT} <= %s ORDER BY {DUE_AT}, id LIMIT %s",
        (first, last, limit),
    )
    return [DueJob(*row) for row in rows]


def stage(ids: Sequence[int], now: int) -> list[DueJob]:
    """Mark jobs for the message that is about to name them; returns those marked, soonest first.

    Marked before they are published, so that a claim never meets its own mark; a crash in between leaves marks
    without a message, which `unstage_lost` finds. Of two that stage at once, the second finds the marks set. One that
    another session holds is left for the next round.
    """
    these, given = any_of("id", ids)
    if lock := skipping_locked():
        these = f"id = ANY(ARRAY(SELECT id FROM job WHERE {these}{lock}))"
    # "+ 0" hides the partial index of unstaged jobs: empty when last analysed, it would be searched whole for each id.
    with transaction():
        rows = fetch(
            "UPDATE job SET staged_count = staged_count + 1, "
            f"staged_at = CASE WHEN {DUE_AT} > %s THEN {DUE_AT} ELSE CAST(%s AS BIGINT) END "
            f"WHERE {these} AND staged_at + 0 IS NULL AND {IS_WAITING} RETURNING {DUE}",
            (now, now, given),
        )
        count_transition("staged", rows)
    return sorted((DueJob(*row) for row in rows), key=lambda job: (job.due_at, job.id))


def snooze(turns: Sequence[tuple[int, int]], now: int, base_us: int) -> int:
    """Note that no message names these jobs any more and that none shall for a while: until the job's turn, in
    microseconds from now, but at least `base_us`, doubled for each message that has named the job in vain, up to 32
    times as long. `turns`: (id, turn). On to the next quarter of a second, since those that return at one instant
    share a message. A job that is not due yet, such as one that a stale message names, waits for its own instant: held
    until an earlier one it would be staged again and again until then."""
    if not turns:
        return 0
    vain = "staged_count - attempt"
    times = f"CASE WHEN {vain} < 1 THEN 1 WHEN {vain} < 5 THEN 1 << ({vain}) ELSE 32 END"
    given, params = values_table("id bigint, turn bigint", turns)
    with transaction():
        return execute(
            "UPDATE job SET staged_at = NULL, held_until = CASE WHEN scheduled_at <= %s THEN "
            f"((CAST(%s AS BIGINT) + CASE WHEN given.turn > CAST(%s AS BIGINT) * ({times}) THEN given.turn "
            f"ELSE CAST(%s AS BIGINT) * ({times}) END) / {RETURN_US} + 1) * {RETURN_US} END "
            f"FROM {given} AS given WHERE job.id = given.id AND {IS_WAITING}",
            (now, now, base_us, base_us, *params),
        )


def unstage(ids: Sequence[int]) -> int:
    """Note that no message names these jobs any more, so that the stager takes them again."""
    if not ids:
        return 0
    these, given = any_of("id", ids)
    with transaction():
        return execute(f"UPDATE job SET staged_at = NULL WHERE {these} AND {IS_WAITING}", (given,))


def unstage_lost(staged_before: int) -> int:
    """The same for every job staged before an instant until which all messages are known to be delivered or lost."""
    lost = f"SELECT id FROM job WHERE staged_at IS NOT NULL AND staged_at < %s{skipping_locked()}"
    with transaction():
        these, given = any_of("id", [row[0] for row in fetch(lost, (staged_before,))])
        return execute(f"UPDATE job SET staged_at = NULL WHERE {these}", (given,))


def backlog(now: int, limit: int) -> tuple[int, int]:
    """How many waiting jobs are due and not claimed, counted up to `limit` in the table and again in the queue, and how
    long the oldest of those counted has been due, in microseconds. Jobs put off count from when they return."""
    unstaged = f"staged_at IS NULL AND {IS_WAITING} AND {DUE_AT} <= %s ORDER BY {DUE_AT}"
    staged = f"staged_at IS NOT NULL AND staged_at <= %s AND {IS_WAITING} ORDER BY staged_at"
    jobs, oldest_at = 0, now
    for where in (unstaged, staged):
        due_jobs = f"SELECT scheduled_at FROM job WHERE {where} LIMIT %s"
        count, first_at = fetch(f"SELECT count(*), min(scheduled_at) FROM ({due_jobs}) AS due_jobs", (now, limit))[0]
        jobs, oldest_at = jobs + count, min(oldest_at, first_at or now)
    return jobs, now - oldest_at


def id_range() -> tuple[int, int]:
    """The first and the last id of all jobs; 0 and 0 when there are none."""
    first, last = fetch("SELECT min(id), max(id) FROM job")[0]
    return first or 0, last or 0


def any_staged(staged_before: int) -> bool:
    """Whether some job has been named by a message since before an instant and is still not claimed."""
    sql = "SELECT 1 FROM job WHERE staged_at IS NOT NULL AND staged_at < %s LIMIT 1"
    return bool(fetch(sql, (staged_before,)))


def claim(ids: Sequence[int], now: int, lease_margin_us: int, of_schedules: bool = False) -> list[ClaimedJob]:
    """Take those of the jobs that are waiting and due, each with a lease of its time-out and the margin.

    Jobs of schedules are left alone unless asked for: whether they may begin is decided in
    `models/schedules/overlap.py`."""
    these, given = any_of("id", ids)
    claim_id = secrets.randbits(62)
    which = "fire_at IS NOT NULL" if of_schedules else "fire_at IS NULL"
    with transaction():
        rows = fetch(
            "UPDATE job SET state = 'executing', claim_id = %s, attempt = attempt + 1, attempted_at = %s, "
            "lease_until = CAST(%s AS BIGINT) + timeout_ms * 1000, staged_at = NULL, held_until = NULL, "
            f"start_by = NULL WHERE {these} AND {IS_WAITING} AND scheduled_at <= %s AND {which} RETURNING {CLAIMED}",
            (claim_id, now, now + lease_margin_us, given, now),
        )
        count_transition("claimed", rows)
    return [ClaimedJob(*row) for row in rows]


def not_yet_due(ids: Sequence[int], now: int) -> list[int]:
    """Which of the jobs still wait for an instant after `now` (their message came early, or they were moved)."""
    these, given = any_of("id", ids)
    return [
        row[0]
        for row in fetch(f"SELECT id FROM job WHERE {these} AND {IS_WAITING} AND scheduled_at > %s", (given, now))
    ]


def complete(jobs: Iterable[ClaimedJob], now: int) -> set[int]:
    """Their requests succeeded. Returns the ids of those the caller still held."""
    return count_transition("completed", _finish(jobs, f"state = 'completed', completed_at = %s, {ENDED}", (now,)))


def discard(jobs: Iterable[ClaimedJob], now: int) -> set[int]:
    """Their requests failed and are not tried again. Returns the ids of those the caller still held."""
    return count_transition("discarded", _finish(jobs, f"state = 'discarded', discarded_at = %s, {ENDED}", (now,)))


def release(jobs: Iterable[ClaimedJob]) -> set[int]:
    """Their requests did not end within the grace of a stopping process: the attempts are given back, as if
    never made: what fell silent before is remembered, and an event's successor goes on waiting for it.

    Returns the ids of those the caller still held."""
    return count_transition("released", _finish(jobs, "state = 'available', attempt = attempt - 1", ()))


def retry(next_tries: Iterable[tuple[ClaimedJob, int]]) -> set[int]:
    """Their requests failed; each is due again at its instant. Returns the ids of those the caller still held."""
    rows = [(job.id, job.claim_id, next_at) for job, next_at in next_tries]
    return count_transition(
        "retried",
        _fenced("executing", rows, f"state = 'retryable', scheduled_at = given.at, {ENDED}, {ENDS_CLAIM}", ()),
    )


def cancel(ids: Sequence[int], now: int, waiting_only: bool) -> list[CancelledJob]:
    """Stop those of the jobs that wait, or with `waiting_only` false all that are not final.

    A request under way is not undone: its holder keeps the claim so that the attempt is still recorded. Called by
    `models/schedules/cancel.py` alone, which does what belongs to a cancel besides.
    """
    these, params = any_of("id", ids)
    with transaction():
        rows = fetch(
            "UPDATE job SET state = 'cancelled', cancelled_at = %s, staged_at = NULL, lease_until = NULL "
            f"WHERE {these} AND {IS_WAITING if waiting_only else IS_LIVE} RETURNING id, account_id, schedule_id",
            (now, params),
        )
        count_transition("cancelled", rows)
    return [CancelledJob(row[0], row[1], row[2] and str(row[2])) for row in rows]


def release_hold(ids: Sequence[int]) -> int:
    """Let jobs that were held back be staged at once."""
    these, given = any_of("id", ids)
    with transaction():
        return execute(
            f"UPDATE job SET staged_at = NULL, held_until = NULL WHERE {these} AND {IS_WAITING} "
            "AND held_until IS NOT NULL",
            (given,),
        )


def close_cancelled_claims(jobs: Iterable[ClaimedJob]) -> set[int]:
    """Give up the claims on jobs that were cancelled under way. Returns their ids: those attempts may be recorded."""
    return _fenced("cancelled", [(job.id, job.claim_id, None) for job in jobs], "claim_id = NULL", ())


def rescue(now: int, leases_until: int | None = None) -> list[LostJob]:
    """Bring back jobs whose lease has ended (or ends by `leases_until`) with attempts left, due at once.

    Those whose holder fell silent before come one after another, each when the one before has had time to end: one of
    them may be what ends the workers, and a job that is under way beside it would be given up with it.
    """
    until = leases_until or now
    lost = _lost(f"attempt < max_attempts AND crashes < {CRASHES_ALLOWED - 1}", until)
    rows: list[tuple[int, int | None]] = [(job_id, None) for job_id, crashes, _ in lost if not crashes]
    held_until = now
    for job_id, timeout_ms in [(job_id, timeout_ms) for job_id, crashes, timeout_ms in lost if crashes]:
        rows.append((job_id, held_until))
        held_until += min(timeout_ms * clock.MILLISECOND, ALONE_US)
    return count_transition(
        "rescued", _take_back(rows, "state = 'available', held_until = given.held_until", (), until)
    )


def discard_lost(now: int, leases_until: int | None = None) -> list[LostJob]:
    """Give up jobs whose lease has ended (or ends by `leases_until`) with their last attempt, or for the third time."""
    until = leases_until or now
    lost = _lost(f"(attempt >= max_attempts OR crashes >= {CRASHES_ALLOWED - 1})", until)
    rows = [(job_id, None) for job_id, *_ in lost]
    return count_transition("buried", _take_back(rows, "state = 'discarded', discarded_at = %s", (now,), until))


def prune(after_id: int, finished_before: Mapping[str, int], limit: int) -> tuple[int, int | None]:
    """Of the next `limit` jobs by id, delete those final since before their state's instant, with all that tells of
    them. Returns how many went, and the last id looked at; None when no further job can be that old.

    In the order of ids, since an index on three instants would cost every finish more than this costs a sweep. Ids
    ascend with the instants at which jobs were made, but for the clocks of several hosts: what a sweep ends before is
    found by a later one.
    """
    rows = fetch(
        "SELECT id, state, COALESCE(completed_at, discarded_at, cancelled_at), inserted_at FROM job WHERE id > %s "
        "ORDER BY id LIMIT %s",
        (after_id, limit),
    )
    old = [job_id for job_id, state, at, _ in rows if state in FINAL and at < finished_before.get(state, 0)]
    pruned = _delete(old) if old else 0
    is_last = len(rows) < limit or rows[-1][3] >= max(finished_before.values())
    return pruned, None if is_last else rows[-1][0]


def _delete(ids: Sequence[int]) -> int:
    these, given = any_of("id", ids)
    with transaction():
        mine = [row[0] for row in fetch(f"SELECT id FROM job WHERE {these}{skipping_locked()}", (given,))]
        these, given = any_of("job_id", mine)
        execute(f"DELETE FROM attempt WHERE {these}", (given,))
        execute(f"DELETE FROM log_entry WHERE {these}", (given,))
        execute(f"DELETE FROM job_label WHERE {these}", (given,))
        final = "state IN ('completed', 'discarded', 'cancelled')"
        return count_transition("pruned", execute(f"DELETE FROM job WHERE {any_of('id', [])[0]} AND {final}", (given,)))


def _finish(jobs: Iterable[ClaimedJob], assignments: str, values: tuple[Any, ...]) -> set[int]:
    rows = [(job.id, job.claim_id, None) for job in jobs]
    return _fenced("executing", rows, f"{assignments}, {ENDS_CLAIM}", values)


def _fenced(
    state: str, rows: Sequence[tuple[int, int, int | None]], assignments: str, values: tuple[Any, ...]
) -> set[int]:
    """Change the jobs that are in `state` and still held by the claim given; rows of (id, claim_id, given.at)."""
    if not rows:
        return set()
    given, params = values_table("id bigint, claim_id bigint, at bigint", rows)
    with transaction():
        changed = fetch(
            f"UPDATE job SET {assignments} FROM {given} AS given WHERE job.id = given.id "
            f"AND job.claim_id = given.claim_id AND state = '{state}' RETURNING job.id",
            (*values, *params),
        )
    return {row[0] for row in changed}


def _lost(which: str, until: int) -> list[tuple[int, int, int]]:
    """Id, crashes and time-out in ms of jobs whose lease ends by an instant."""
    sql = f"SELECT id, crashes, timeout_ms FROM job WHERE {LEASE_ENDED} AND {which} ORDER BY lease_until, id LIMIT %s"
    rows = fetch(f"{sql}{skipping_locked()}", (until, RESCUED_AT_ONCE))
    return [(job_id, crashes, timeout_ms) for job_id, crashes, timeout_ms in rows]


def _take_back(
    lost: Sequence[tuple[int, int | None]], assignments: str, values: tuple[Any, ...], until: int
) -> list[LostJob]:
    if not lost:
        return []
    given, params = values_table("id bigint, held_until bigint", lost)
    with transaction():
        rows = fetch(
            f"UPDATE job SET {assignments}, crashes = crashes + 1, claim_id = NULL, lease_until = NULL "
            f"FROM {given} AS given WHERE job.id = given.id AND {LEASE_ENDED} RETURNING {LOST}",
            (*values, *params, until),
        )
    return [LostJob(*row) for row in rows]
