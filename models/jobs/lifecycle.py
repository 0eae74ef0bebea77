"""Changes `Job.state`: one guarded UPDATE of a set of jobs for each transition of `models/jobs/states.py`.

Nothing else writes the state of a stored job. The verb `stage`, which leaves it as it is, is in
`models/jobs/staging.py`. Each verb returns what it changed; a lost race is a normal return value, never an error. Most
take a set of jobs, `change` and `reschedule` take one; those that write an instant take the caller's `now`.

Two things make the verbs safe. The guard names the states that a verb may leave, so one of two racers finds no row. The
fence `claim_id` is a random number that each claim draws, so a holder whose claim was rescued can't record for the next
one. Attempt numbers or states can't fence: after a rescue two holders see the same state.
"""

import secrets
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from models.database.sql import any_of, execute, fetch, lock_free, skipping_locked, unlocked, values_table
from models.database.transactions import transaction
from models.jobs.job_kinds import REQUEST
from models.jobs.job_ref import LONG_MS, JobRef, ref_of
from models.jobs.states import ENTERS, FINAL, LEAVES, UNDER_WAY_SQL, WAITING_SQL, in_states
from models.jobs.transition_counts import count_transition
from models.rules import clock
from models.rules.templating import Memory
from models.rules.turns import CountedStart

ENDS_CLAIM = "claim_id = NULL, lease_until = NULL, ack_until = NULL"
# A job that waits for its target alone has nothing under way whose end could still be recorded.
ENDS_WAIT = (
    "claim_id = CASE WHEN ack_until IS NULL THEN claim_id END, "
    "lease_until = CASE WHEN ack_until IS NULL THEN lease_until END, ack_until = NULL"
)
# Whoever stages the job finds it anew: it may be due at another time, and go to another host.
CLEARS_MARKS = "staged_at = NULL, held_until = NULL, parked_by = NULL"
ENDED = "crashes = 0"  # an attempt ended: earlier crashes no longer count
# An event of a disabled or deleted endpoint is not sent from that moment on (models/operations/address_changes.py).
ENDPOINT_TAKES = (
    "(endpoint_id IS NULL OR NOT EXISTS "
    "(SELECT 1 FROM endpoint WHERE endpoint.id = endpoint_id AND endpoint.enabled = 0))"
)
LEASE_ENDS = "lease_until IS NOT NULL AND lease_until >= %s AND lease_until <= %s"
# A job that waits for its target's acknowledgement has no worker that could fall silent (models/operations/acks.py).
LEASE_ENDED = f"{LEASE_ENDS} AND {LEAVES['rescue']} AND ack_until IS NULL"
CANCELLED_LEASE_ENDED = f"{LEASE_ENDS} AND {in_states(['cancelled'])}"
UNLIMITED = "fire_at IS NULL AND flow_id IS NULL AND lane_id IS NULL"
# Nothing is sent to a host or for an account whose gate is closed (models/flows/closing.py). Whether any gate is closed
# is asked once a statement: else each job would pay for the question.
IS_OPEN = (
    "((SELECT NOT EXISTS (SELECT 1 FROM gate WHERE gate.closed_until IS NOT NULL)) OR "
    "NOT EXISTS (SELECT 1 FROM gate WHERE gate.account_id = job.account_id AND gate.closed_until > %s "
    "AND (gate.kind = 'account' OR (gate.kind = 'host' AND gate.key = job.host))))"
)
# A request that may take longer has its lease renewed (`extend`), so that its worker's end is noticed as soon.
LEASED_AT_ONCE_MS = LONG_MS
LEASED_US = f"(CASE WHEN timeout_ms < {LEASED_AT_ONCE_MS} THEN timeout_ms ELSE {LEASED_AT_ONCE_MS} END) * 1000"
NO_DEADLINE = 2**61
COUNTED = {"change": "changed", "reschedule": "rescheduled"}
RESCUED_AT_ONCE = 500
CRASHES_ALLOWED = 3  # a job whose holder fell silent this often in a row is discarded
ALONE_US = 2 * clock.SECOND  # how long the next job waits behind one whose next crash is its last, at most


class ClaimedJob(NamedTuple):
    """A job that this process holds until its lease ends, with all that is needed to send and to record it."""

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
    flow_id: int | None = None
    lane_id: int | None = None
    notify: str | None = None
    parent_id: int | None = None
    endpoint_id: int | None = None
    ack_within_us: int | None = None
    judging: str | None = None
    traceparent: str | None = None
    memory: Memory | None = None  # of a schedule's job; put in by models/schedules/overlap.py
    start: CountedStart | None = None  # of a flow with a rate; put in by models/operations/claims.py

    def __repr__(self) -> str:
        return f"ClaimedJob(id={self.id}, kind={self.kind!r}, attempt={self.attempt})"  # the rest may hold secrets

    @property
    def ref(self) -> JobRef:
        return ref_of(self.id, self.account_id, self.host, self.kind, self.timeout_ms)


class CancelledJob(NamedTuple):
    """A job that has just been cancelled."""

    id: int
    account_id: int
    schedule_id: str | None
    flow_id: int | None = None
    lane_id: int | None = None


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
    flow_id: int | None = None
    lane_id: int | None = None
    kind: str = REQUEST
    notify: str | None = None
    parent_id: int | None = None
    fire_at: int | None = None


CLAIMED = ", ".join(f"job.{name}" for name in ClaimedJob._fields if name not in ("memory", "start"))
LOST = ", ".join(f"job.{name}" for name in LostJob._fields)


def id_range() -> tuple[int, int]:
    """The first and the last id of all jobs; 0 and 0 when there are none."""
    first, last = fetch("SELECT min(id), max(id) FROM job")[0]
    return first or 0, last or 0


def new_claim_id() -> int:
    """A fence for the claims of one transaction. Who draws it before the transaction can tell afterwards what was
    claimed, whatever became of the commit's answer."""
    return secrets.randbits(62)


def change(job_id: int, values: Mapping[str, Any]) -> bool:
    """Set columns of a job that was never attempted; False when it is not one.

    Called by `models/operations/changing.py` alone, which does what belongs to a change besides.
    """
    return _change("change", job_id, values)


def reschedule(job_id: int, values: Mapping[str, Any], scheduled_at: int) -> bool:
    """As `change`, and give it another time."""
    return _change("reschedule", job_id, {**values, "scheduled_at": scheduled_at})


def hasten(ids: Sequence[int], now: int) -> list[int]:
    """Let those of the jobs that wait for another attempt make it now instead of later; returns their ids. A job whose
    attempt has begun meanwhile is none of them, so no attempt is made beside it."""
    these, params = any_of("id", ids)
    with transaction():
        rows = fetch(
            f"UPDATE job SET scheduled_at = %s, {CLEARS_MARKS} WHERE {these} AND {LEAVES['hasten']} "
            "AND scheduled_at > %s RETURNING id",
            (now, params, now),
        )
        return count_transition("hastened", [row[0] for row in rows])


def claim(
    ids: Sequence[int], now: int, lease_margin_us: int, claim_id: int | None = None, limited: bool = False
) -> list[ClaimedJob]:
    """Claim those of the jobs that wait and are due, each with a lease of its timeout (15 minutes at most) and the
    margin. Passes over jobs that another session holds, and those whose host or account is closed.

    Claims jobs that nothing else limits; with `limited` any: `models/operations/claims.py` decides which may begin.
    """
    guard, values = f"{LEAVES['claim']} AND scheduled_at <= %s AND {'true' if limited else UNLIMITED}", (now,)
    choice, of_choice = (ENDPOINT_TAKES, ()) if limited else (f"{ENDPOINT_TAKES} AND {IS_OPEN}", (now,))
    these, params = unlocked("job", ids, guard, values, choice, of_choice)
    with transaction():
        rows = fetch(
            f"UPDATE job SET {ENTERS['claim']}, claim_id = %s, attempt = attempt + 1, attempted_at = %s, "
            f"lease_until = CAST(%s AS BIGINT) + {LEASED_US}, staged_at = NULL, held_until = NULL, "
            f"start_by = NULL, parked_by = NULL WHERE {these} RETURNING {CLAIMED}",
            (claim_id or new_claim_id(), now, now + lease_margin_us, *params),
        )
        count_transition("claimed", rows)
    return [ClaimedJob(*row) for row in rows]


def extend(leases: Iterable[tuple[ClaimedJob, int]]) -> set[int]:
    """Renew the leases of requests under way, each until its instant; returns the ids of the jobs still held. Passes
    over jobs that another session holds: they are renewed the next time."""
    rows = [(job.id, job.claim_id, until) for job, until in leases]
    if not rows:
        return set()
    table, values = values_table("id bigint, claim_id bigint, at bigint", rows)
    these, params = unlocked("job", [job_id for job_id, *_ in rows], f"{UNDER_WAY_SQL} AND ack_until IS NULL")
    with transaction():
        changed = fetch(
            f"UPDATE job SET lease_until = input.at FROM {table} AS input WHERE job.id = input.id "
            f"AND job.claim_id = input.claim_id AND {these} RETURNING job.id",
            (*values, *params),
        )
    return {row[0] for row in changed}


def wait_for_acks(waits: Iterable[tuple[ClaimedJob, int]]) -> set[int]:
    """Let jobs stay under way without a holder until their targets acknowledge, each until its instant at the latest;
    returns the ids of those the caller still held. Their claims stay, so limits count them, and no other attempt
    begins."""
    rows = [(job.id, job.claim_id, until) for job, until in waits]
    assignments = f"ack_until = input.at, lease_until = input.at, {ENDED}"
    return _fenced(f"{LEAVES['complete']} AND ack_until IS NULL", rows, assignments, ())


def hand_over(jobs: Iterable[ClaimedJob]) -> set[int]:
    """Let jobs stay under way without a worker: their requests wait in rows of their own, which end the attempts
    (models/operations/listening/open_requests.py). Returns the ids of those the caller still held. No lease brings
    them back."""
    rows = [(job.id, job.claim_id, NO_DEADLINE) for job in jobs]
    return _fenced(f"{LEAVES['complete']} AND ack_until IS NULL", rows, "lease_until = input.at", ())


def keep_acknowledged(job_id: int, claim_id: int) -> None:
    """Let no deadline end a job that waits for its target, which has acknowledged. What ends it looks again at the
    row that changed here, so none of the two misses the other."""
    waits = f"{LEAVES['complete']} AND ack_until IS NOT NULL"
    execute(
        f"UPDATE job SET lease_until = {NO_DEADLINE} WHERE id = %s AND claim_id = %s AND {waits}", (job_id, claim_id)
    )


def complete(jobs: Iterable[ClaimedJob], now: int) -> set[int]:
    """Complete jobs whose requests succeeded; returns the ids of those the caller still held."""
    return count_transition("completed", _finish("complete", jobs, f"completed_at = %s, {ENDED}", (now,)))


def discard(jobs: Iterable[ClaimedJob], now: int) -> set[int]:
    """Discard jobs whose requests failed for good; returns the ids of those the caller still held."""
    return count_transition("discarded", _finish("discard", jobs, f"discarded_at = %s, {ENDED}", (now,)))


def release(jobs: Iterable[ClaimedJob]) -> set[int]:
    """Give back jobs whose requests did not end within the grace of a stopping process, as if never attempted:
    earlier crashes still count, and the next event still waits. Returns the ids of those the caller still held.

    Those that were cancelled under way stay so, and their claims end."""
    rows = [(job.id, job.claim_id, None) for job in jobs]
    with transaction():
        _withdraw(rows)
        return _release(rows)


def give_back_unknown(ids: Sequence[int], claim_id: int) -> list[int]:
    """Give back what a claim took whose commit was not answered, as `release` does; it may have taken nothing. Returns
    the ids of jobs that another session holds: it may be about to commit just that claim."""
    with transaction():
        free, held = lock_free("job", ids)
        rows = [(job_id, claim_id, None) for job_id in free]
        _withdraw(rows)
        _release(rows)
    return held


def retry(next_tries: Iterable[tuple[ClaimedJob, int]]) -> set[int]:
    """Retry jobs whose requests failed, each at its instant; returns the ids of those the caller still held."""
    rows = [(job.id, job.claim_id, next_at) for job, next_at in next_tries]
    assignments = f"{ENTERS['retry']}, scheduled_at = input.at, {ENDED}, {ENDS_CLAIM}"
    return count_transition("retried", _fenced(LEAVES["retry"], rows, assignments, ()))


def cancel(ids: Sequence[int], now: int, waiting_only: bool, if_free: bool = False) -> list[CancelledJob]:
    """Stop those of the jobs that wait, or with `waiting_only` false all that are not final. `if_free`: pass over jobs
    that another session holds.

    A request under way is not undone: its holder keeps the claim and its lease, so that the attempt is still recorded.
    A job that waits for its target's acknowledgement waits no longer.
    Called by `models/schedules/cancel.py` alone, which does what belongs to a cancel besides.
    """
    guard = WAITING_SQL if waiting_only else LEAVES["cancel"]
    condition, id_set = any_of("id", ids)
    where, params = unlocked("job", ids, guard) if if_free else (f"{condition} AND {guard}", [id_set])
    with transaction():
        rows = fetch(
            f"UPDATE job SET {ENTERS['cancel']}, cancelled_at = %s, staged_at = NULL, {ENDS_WAIT} "
            f"WHERE {where} RETURNING id, account_id, schedule_id, flow_id, lane_id",
            (now, *params),
        )
        count_transition("cancelled", rows)
    return [CancelledJob(*row) for row in rows]


def close_cancelled_claims(jobs: Iterable[ClaimedJob]) -> set[int]:
    """End the claims on jobs that were cancelled under way; returns their ids: those attempts may be recorded."""
    return _fenced(in_states(["cancelled"]), [(job.id, job.claim_id, None) for job in jobs], ENDS_CLAIM, ())


def cancelled_of(jobs: Iterable[ClaimedJob]) -> set[int]:
    """The ids of those that were cancelled under way."""
    these, params = any_of("id", [job.id for job in jobs])
    return {row[0] for row in fetch(f"SELECT id FROM job WHERE {these} AND {in_states(['cancelled'])}", (params,))}


def held_of(jobs: Iterable[ClaimedJob]) -> set[int]:
    """The ids of those that the caller still holds."""
    claims = {(job.id, job.claim_id) for job in jobs}
    these, params = any_of("id", sorted(job_id for job_id, _ in claims))
    rows = fetch(f"SELECT id, claim_id FROM job WHERE {these}", (params,))
    return {job_id for job_id, claim_id in rows if (job_id, claim_id) in claims}


def withdraw(jobs: Iterable[ClaimedJob]) -> set[int]:
    """End the claims on jobs that were cancelled before their requests went out, as if never attempted."""
    return _withdraw([(job.id, job.claim_id, None) for job in jobs])


def first_lost(leases_from: int, leases_until: int) -> int | None:
    """When the first of the leases that end within this time ends; None: none does."""
    sql = f"SELECT lease_until FROM job WHERE {LEASE_ENDS} ORDER BY lease_until LIMIT 1"
    return next((lease_until for (lease_until,) in fetch(sql, (leases_from, leases_until))), None)


def rescue(now: int, leases_until: int | None = None, leases_from: int = 0) -> list[LostJob]:
    """Bring back jobs whose lease has ended (or ends by `leases_until`) with attempts left, due at once. Looks at those
    leases alone that end from `leases_from` on.

    Jobs whose holder fell silent before come one after another, each when the one before has had time to end: one of
    them may be what ends the workers, and a job under way beside it would be discarded with it.
    """
    until = leases_until or now
    lost = _lost(f"attempt < max_attempts AND crashes < {CRASHES_ALLOWED - 1}", leases_from, until)
    rows: list[tuple[int, int | None]] = [(job_id, None) for job_id, crashes, _ in lost if not crashes]
    held_until = now
    for job_id, timeout_ms in [(job_id, timeout_ms) for job_id, crashes, timeout_ms in lost if crashes]:
        rows.append((job_id, held_until))
        held_until += min(timeout_ms * clock.MILLISECOND, ALONE_US)
    return count_transition("rescued", _take_back("rescue", rows, "held_until = input.held_until", (), until))


def discard_lost(now: int, leases_until: int | None = None, leases_from: int = 0) -> list[LostJob]:
    """Discard jobs whose lease has ended (or ends by `leases_until`) with their last attempt, or for the third time."""
    until = leases_until or now
    lost = _lost(f"(attempt >= max_attempts OR crashes >= {CRASHES_ALLOWED - 1})", leases_from, until)
    rows = [(job_id, None) for job_id, *_ in lost]
    return count_transition("buried", _take_back("discard_lost", rows, "discarded_at = %s", (now,), until))


def end_cancelled(now: int, leases_until: int | None = None, leases_from: int = 0) -> list[LostJob]:
    """End the claims on jobs that were cancelled under way and whose lease has ended (or ends by `leases_until`)."""
    sql = f"SELECT id FROM job WHERE {CANCELLED_LEASE_ENDED} ORDER BY lease_until LIMIT %s{skipping_locked()}"
    with transaction():
        rows = fetch(sql, (leases_from, leases_until or now, RESCUED_AT_ONCE))
        these, params = any_of("id", [row[0] for row in rows])
        rows = fetch(f"UPDATE job SET {ENDS_CLAIM} WHERE {these} RETURNING {LOST}", (params,))
    return [LostJob(*row) for row in rows]


def prune(after_id: int, finished_before: Mapping[str, int], limit: int) -> tuple[int, int | None]:
    """Delete those of the next `limit` jobs by id that are final since before their state's instant, with their
    attempts, log entries and labels. Returns how many were deleted, and the last id looked at; None when no further job
    can be that old.

    In the order of ids, since an index on three instants would cost every finish more than this costs a sweep. Ids
    ascend with the instants at which jobs were made, except between hosts whose clocks differ: a later sweep finds what
    this one misses.
    """
    rows = fetch(
        "SELECT id, state, COALESCE(completed_at, discarded_at, cancelled_at), inserted_at FROM job WHERE id > %s "
        "ORDER BY id LIMIT %s",
        (after_id, limit),
    )
    old = [job_id for job_id, state, at, _ in rows if state in FINAL and at < finished_before.get(state, 0)]
    pruned = len(_delete(old, "true")) if old else 0
    is_last = len(rows) < limit or rows[-1][3] >= max(finished_before.values())
    return pruned, None if is_last else rows[-1][0]


def _change(verb: str, job_id: int, values: Mapping[str, Any]) -> bool:
    marks = [CLEARS_MARKS, *([ENTERS[verb]] if verb in ENTERS else [])]
    assignments = ", ".join([*(f"{column} = %s" for column in values), *marks])
    sql = f"UPDATE job SET {assignments} WHERE id = %s AND {LEAVES[verb]} AND attempted_at IS NULL"
    with transaction():
        return bool(count_transition(COUNTED[verb], execute(sql, (*values.values(), job_id))))


def delete(ids: Sequence[int]) -> list[int]:
    """Delete those of the jobs that are final, with all that belongs to them; returns their ids. Passes over jobs that
    another session holds, and those whose request is under way: its holder has yet to record it."""
    return _delete(ids, "lease_until IS NULL")


def _delete(ids: Sequence[int], condition: str) -> list[int]:
    these, params = any_of("id", ids)
    final = f"{these} AND {LEAVES['prune']} AND {condition}"
    with transaction():
        locked = [row[0] for row in fetch(f"SELECT id FROM job WHERE {final}{skipping_locked()}", (params,))]
        of_these, params = any_of("job_id", locked)
        for table in ("attempt", "log_entry", "job_label"):
            execute(f"DELETE FROM {table} WHERE {of_these}", (params,))
        of_these, params = any_of("replay_of", locked)
        execute(f"DELETE FROM replay WHERE {of_these}", (params,))
        these, params = any_of("id", locked)
        execute(f"DELETE FROM job WHERE {these}", (params,))
        count_transition("pruned", locked)
    return locked


def _withdraw(rows: Sequence[tuple[int, int, int | None]]) -> set[int]:
    return _fenced(in_states(["cancelled"]), rows, f"attempt = attempt - 1, {ENDS_CLAIM}", ())


def _release(rows: Sequence[tuple[int, int, int | None]]) -> set[int]:
    assignments = f"{ENTERS['release']}, attempt = attempt - 1, {ENDS_CLAIM}"
    guard = f"{LEAVES['release']} AND ack_until IS NULL"  # the result of one that waits is recorded
    return count_transition("released", _fenced(guard, rows, assignments, ()))


def _finish(verb: str, jobs: Iterable[ClaimedJob], assignments: str, values: tuple[Any, ...]) -> set[int]:
    rows = [(job.id, job.claim_id, None) for job in jobs]
    return _fenced(LEAVES[verb], rows, f"{ENTERS[verb]}, {assignments}, {ENDS_CLAIM}", values)


def _fenced(
    guard: str, rows: Sequence[tuple[int, int, int | None]], assignments: str, values: tuple[Any, ...]
) -> set[int]:
    """Change the jobs that meet the guard and whose claim is still the caller's; rows of (id, claim_id, input.at)."""
    if not rows:
        return set()
    table, params = values_table("id bigint, claim_id bigint, at bigint", rows)
    with transaction():
        changed = fetch(
            f"UPDATE job SET {assignments} FROM {table} AS input WHERE job.id = input.id "
            f"AND job.claim_id = input.claim_id AND {guard} RETURNING job.id",
            (*values, *params),
        )
    return {row[0] for row in changed}


def _lost(condition: str, first: int, until: int) -> list[tuple[int, int, int]]:
    """Id, crashes and timeout in ms of jobs whose lease ends by an instant."""
    rows = fetch(
        f"SELECT id, crashes, timeout_ms FROM job WHERE {LEASE_ENDED} AND {condition} "
        f"ORDER BY lease_until, id LIMIT %s{skipping_locked()}",
        (first, until, RESCUED_AT_ONCE),
    )
    return [(job_id, crashes, timeout_ms) for job_id, crashes, timeout_ms in rows]


def _take_back(
    verb: str, lost: Sequence[tuple[int, int | None]], assignments: str, values: tuple[Any, ...], until: int
) -> list[LostJob]:
    if not lost:
        return []
    table, params = values_table("id bigint, held_until bigint", lost)
    with transaction():
        rows = fetch(
            f"UPDATE job SET {ENTERS[verb]}, {assignments}, crashes = crashes + 1, {ENDS_CLAIM} "
            f"FROM {table} AS input WHERE job.id = input.id AND {LEASE_ENDED} RETURNING {LOST}",
            (*values, *params, 0, until),
        )
    return [LostJob(*row) for row in rows]
