"""Brings the requests of attempts to listeners, and their answers back.

A worker that has claimed a job for a listener writes its request here (`hand_over`), and holds the job no longer: the
row does. A listener takes it, once (`take`), and answers it, once (`answer`). The ticker ends the attempt
(`workers/ticker/listener_results.py`), also when its time is over, or when its claim has ended otherwise. Each step is
a guarded update of the row, so it does not matter through which process it came.
"""

from collections.abc import Collection, Sequence
from enum import Enum, auto
from typing import Any, Literal, NamedTuple

from models.database.ids import new_id
from models.database.sql import any_of, execute, fetch, for_update, skipping_locked
from models.database.transactions import transaction, write_turn
from models.jobs import lifecycle
from models.jobs.lifecycle import CLAIMED, ClaimedJob
from models.rules.clock import HOUR, MILLISECOND

Reason = Literal["timeout", "connect", "reset", "protocol"]
# What a listener says of a request that its own server did not answer, and the reason of the attempt.
ERRORS: dict[str, Reason] = {
    "connection_refused": "connect",
    "connection_failed": "connect",
    "connection_reset": "reset",
    "timeout": "timeout",
    "protocol": "protocol",
}
MAX_OPEN = 1000  # requests of a listener that nobody has answered
KEPT_US = HOUR  # an ended one: until then a late answer is told that it is late
AT_ONCE = 200
# The state of the job while its claim lasts, else null. A lookup for each row: of EXISTS the planner may make a set of
# all jobs in a state.
STATE = (
    "(SELECT job.state FROM job WHERE job.id = listener_request.job_id AND job.claim_id = listener_request.claim_id)"
)
IS_OVER = f"(answered_at IS NOT NULL OR deadline_at <= %s OR {STATE} IS NULL)"
IS_WITHDRAWN = f"(taken_at IS NULL AND {STATE} = 'cancelled')"
# In the order of an index of open requests alone: SQLite would read the ended ones of the last hour too.
ANY_OVER = (
    f"SELECT 1 FROM listener_request WHERE ended_at IS NULL AND ({IS_OVER} OR {IS_WITHDRAWN}) "
    "ORDER BY deadline_at LIMIT 1"
)
IS_OPEN = "account_id = %s AND listener = %s AND ended_at IS NULL AND taken_at IS NULL AND deadline_at > %s"


class Handed(NamedTuple):
    """What a worker hands over. `request`: JSON, see the table."""

    job: ClaimedJob
    listener: str
    request: str
    body: bytes | None


class Taken(NamedTuple):
    """What a listener gets."""

    uuid: str
    job_id: int
    attempt: int
    request: str
    body: bytes | None
    deadline_at: int


class Answer(NamedTuple):
    """What came of it. `answer`: JSON, see the table."""

    answer: str
    body: bytes | None


class Reply(Enum):
    """What became of an answer."""

    ACCEPTED = auto()
    SECOND = auto()  # one was accepted before
    LATE = auto()  # the attempt has ended, or its time is over
    UNKNOWN = auto()  # this listener has taken no such request


class Waiting(NamedTuple):
    """The request of a job that is under way. `seen_at`: when its listener last asked; None: never."""

    listener: str
    taken_at: int | None
    deadline_at: int
    seen_at: int | None


class Ended(NamedTuple):
    """A request whose attempt is over. `job`: None when its claim has ended otherwise."""

    job: ClaimedJob | None
    uuid: str
    request: str
    body: bytes | None
    deadline_at: int
    taken_at: int | None
    answered_at: int | None
    answer: str | None
    answer_body: bytes | None


def hand_over(handed: Sequence[Handed], now: int) -> set[int]:
    """Let these requests wait for their listeners, each for as long as its attempt may take; returns the ids of the
    jobs that the caller still held."""
    with transaction():
        held = lifecycle.hand_over([each.job for each in handed])
        for each in handed:
            if each.job.id in held:
                _insert(each, now)
    return held


def has_room(account_id: int, listener: str) -> bool:
    """Whether so few requests are open that another may join. Not exact: those that begin at the same moment do not
    see one another."""
    sql = (
        "SELECT count(*) FROM (SELECT 1 FROM listener_request WHERE account_id = %s AND listener = %s "
        "AND ended_at IS NULL LIMIT %s) AS few"
    )
    return int(fetch(sql, (account_id, listener, MAX_OPEN))[0][0]) < MAX_OPEN


def take(account_id: int, listener: str, limit: int, now: int) -> list[Taken]:
    """Give the oldest requests to the listener. None is given a second time, not even if this answer gets lost: nobody
    could say then whether it was performed."""
    which = (account_id, listener, now)
    if not fetch(f"SELECT 1 FROM listener_request WHERE {IS_OPEN} LIMIT 1", which):
        return []
    with transaction():
        chosen = fetch(
            f"SELECT uuid FROM listener_request WHERE {IS_OPEN} AND {STATE} = 'executing' "
            f"ORDER BY handed_at, uuid LIMIT %s{skipping_locked()}",
            (*which, limit),
        )
        these, params = any_of("uuid", [str(row[0]) for row in chosen], "uuid")
        execute(f"UPDATE listener_request SET taken_at = %s WHERE {these}", (now, params))
        columns = ", ".join(Taken._fields)
        rows = fetch(f"SELECT {columns} FROM listener_request WHERE {these} ORDER BY handed_at, uuid", (params,))
    return [Taken(str(uuid), *row) for uuid, *row in rows]


def answer(account_id: int, listener: str, uuid: str, answer: Answer, now: int) -> Reply:
    """Store the answer, unless there is one, or the attempt is over."""
    with transaction():
        rows = fetch(
            "SELECT answered_at, ended_at, deadline_at FROM listener_request WHERE uuid = %s AND account_id = %s "
            f"AND listener = %s AND taken_at IS NOT NULL{for_update()}",
            (uuid, account_id, listener),
        )
        reply = _reply_to(rows, now)
        if reply is Reply.ACCEPTED:
            execute(
                "UPDATE listener_request SET answered_at = %s, answer = %s, answer_body = %s WHERE uuid = %s",
                (now, answer.answer, answer.body, uuid),
            )
    return reply


def waiting_of(job_id: int) -> Waiting | None:
    """The request of this job that waits for a listener, or for its answer."""
    rows = fetch(
        "SELECT listener, taken_at, deadline_at, (SELECT seen_at FROM listener WHERE listener.account_id = "
        "listener_request.account_id AND listener.name = listener_request.listener) FROM listener_request "
        f"WHERE job_id = %s AND ended_at IS NULL AND {STATE} IS NOT NULL",
        (job_id,),
    )
    return Waiting(*rows[0]) if rows else None


def any_over(now: int) -> bool:
    """Whether `lock_over` or `lock_withdrawn` would find something, without a lock."""
    return bool(fetch(ANY_OVER, (now,)))


def lock_over(now: int) -> list[Ended]:
    """Open requests that are answered, or whose time or claim is over, locked until the transaction ends. Passes over
    those that another session holds."""
    columns = ", ".join(Ended._fields[1:])
    rows = fetch(
        f"SELECT job_id, claim_id, {columns} FROM listener_request WHERE ended_at IS NULL AND {IS_OVER} "
        f"ORDER BY deadline_at LIMIT %s{skipping_locked()}",
        (now, AT_ONCE),
    )
    jobs = _claimed([row[0] for row in rows])
    return [Ended(jobs.get((job_id, claim_id)), str(uuid), *row) for job_id, claim_id, uuid, *row in rows]


def lock_withdrawn() -> list[tuple[str, ClaimedJob]]:
    """Open requests of jobs that were cancelled before a listener took them, locked likewise: their ids and jobs."""
    rows = fetch(
        f"SELECT uuid, job_id, claim_id FROM listener_request WHERE ended_at IS NULL AND {IS_WITHDRAWN} "
        f"ORDER BY deadline_at LIMIT %s{skipping_locked()}",
        (AT_ONCE,),
    )
    jobs = _claimed([row[1] for row in rows])
    return [(str(uuid), jobs[claim]) for uuid, *claim_of in rows if (claim := tuple(claim_of)) in jobs]


def end(uuids: Collection[str], now: int) -> None:
    """Note that the attempts of these requests are over; what was sent and answered is in the log from now on."""
    these, params = any_of("uuid", list(uuids), "uuid")
    execute(
        "UPDATE listener_request SET ended_at = %s, request = '{}', body = NULL, answer = NULL, answer_body = NULL "
        f"WHERE {these}",
        (now, params),
    )


def prune(now: int) -> int:
    """Delete requests that ended an hour ago; returns how many."""
    rows = fetch(
        "SELECT uuid FROM listener_request WHERE ended_at IS NOT NULL AND ended_at < %s ORDER BY ended_at LIMIT %s",
        (now - KEPT_US, AT_ONCE),
    )
    if not rows:
        return 0
    these, params = any_of("uuid", [str(row[0]) for row in rows], "uuid")
    with write_turn():
        return execute(f"DELETE FROM listener_request WHERE {these}", (params,))


def _insert(handed: Handed, now: int) -> None:
    job = handed.job
    values = (new_id(), job.id, job.claim_id, job.account_id, handed.listener, job.attempt, handed.request, handed.body)
    execute(
        "INSERT INTO listener_request (uuid, job_id, claim_id, account_id, listener, attempt, request, body, "
        "handed_at, deadline_at) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s)",
        (*values, now, job.attempted_at + job.timeout_ms * MILLISECOND),
    )


def _reply_to(rows: Sequence[tuple[Any, ...]], now: int) -> Reply:
    if not rows:
        return Reply.UNKNOWN
    [(answered_at, ended_at, deadline_at)] = rows
    if answered_at is not None:
        return Reply.SECOND
    return Reply.LATE if ended_at is not None or deadline_at <= now else Reply.ACCEPTED


def _claimed(job_ids: Sequence[int]) -> dict[tuple[int, int], ClaimedJob]:
    """The claims on these jobs, by job and fence."""
    these, params = any_of("id", job_ids)
    jobs = [ClaimedJob(*row) for row in fetch(f"SELECT {CLAIMED} FROM job WHERE {these}", (params,)) if job_ids]
    return {(job.id, job.claim_id): job for job in jobs}
