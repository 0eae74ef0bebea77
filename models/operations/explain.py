"""Explains why a job has not run: reads facts about the job and the machinery, and turns them into reasons.

`facts_of` makes a few bounded queries; `explain` is pure. Of other accounts it shows numbers alone.
"""

from typing import NamedTuple

from models.database.sql import fetch
from models.flows import waits
from models.flows.waits import Wait
from models.jobs.attempt_reasons import in_words
from models.jobs.job_kinds import ALERT, REQUEST
from models.jobs.staging import DUE_AT, PAUSED_UNTIL
from models.jobs.states import FINAL, UNDER_WAY_SQL, WAITING, WAITING_SQL
from models.operations import heartbeats, ticker_row
from models.operations.listening import listener_store, open_requests
from models.operations.listening.open_requests import Waiting
from models.rules.clock import SECOND
from models.rules.times import format_instant

COUNTED = 10_000


class Facts(NamedTuple):
    """What may keep a job from running. `ahead`: due jobs of any account before it, `COUNTED` + 1 at most; `slots`,
    `slots_in_use`, `workers`: of the processes alive; `worker_seen_at`: the last sign of life of any, None for none;
    `schedule_disabled_at`: when its schedule was disabled, None when it is enabled or there is none;
    `sibling_under_way`: whether another job of its schedule is executing; `endpoint_is_disabled`: of an event."""

    state: str
    scheduled_at: int
    attempt: int
    max_attempts: int
    crashes: int
    held_until: int | None
    staged_at: int | None
    lease_until: int | None
    attempted_at: int | None
    reason: str | None
    ahead: int
    ticker_seen_at: int
    workers: int
    slots: int
    slots_in_use: int
    worker_seen_at: int | None
    schedule_disabled_at: int | None = None
    after_uuid: str | None = None  # of an event: the event it waits for
    sibling_under_way: bool = False
    endpoint_is_disabled: bool = False
    gates: tuple[Wait, ...] = ()  # those at which it waits
    ack_until: int | None = None  # until when its target may acknowledge
    kind: str = REQUEST
    listening: Waiting | None = None  # its request, if a listener is to take or to answer it


CODES = {  # every code, and its meaning
    "not_due": "its time has not come",
    "waits_for_retry": "an attempt failed, and the time of the next has not come",
    "schedule_disabled": "its schedule is disabled",
    "endpoint_disabled": "its endpoint is disabled",
    "ticker_silent": "the ticker, which hands over due jobs, shows no sign of life",
    "no_worker": "no worker process shows a sign of life",
    **waits.CODES,
    "waits_for_turn": "another job of its schedule is under way",
    "host_share_full": "its account or its host holds its whole share of the slots",
    "waits_for_event": "the event before it was neither accepted nor failed once, or the alert before it is not final",
    "held_after_crash": "its worker fell silent; it is tried again alone",
    "slots_full": "every slot is in use",
    "queued_behind": "jobs that were due before it have not begun",
    "on_its_way": "nothing prevents it",
    "waits_for_ack": "its target took the request, and is to acknowledge how it ended",
    "waits_for_listener": "its listener has yet to take the request or to answer it",
    "listener_away": "no listener of this name asks for requests",
    "lease_held": "its request is under way",
    "completed": "it has run",
    "discarded": "Booper gave it up",
    "cancelled": "it was cancelled",
}


class Reason(NamedTuple):
    """`code`: a word for programs; `text`: the same for people; `at`: when it ends, None where that is not known."""

    code: str
    text: str
    at: int | None = None


COLUMNS = (
    "state, scheduled_at, attempt, max_attempts, crashes, held_until, staged_at, lease_until, attempted_at, "
    "after_uuid, ack_until, kind"
)


def facts_of(account_id: int, job_id: int, now: int) -> Facts | None:
    """The facts of the account's job; None when there is no such job."""
    rows = fetch(f"SELECT {COLUMNS} FROM job WHERE id = %s AND account_id = %s", (job_id, account_id))
    if not rows:
        return None
    job = rows[0]
    reason = fetch("SELECT reason FROM attempt WHERE job_id = %s AND number = %s", (job_id, job[2]))
    known = heartbeats.workers()
    alive = heartbeats.alive(known, now)
    return Facts(
        **dict(zip(COLUMNS.split(", "), job, strict=True)),
        reason=reason[0][0] if reason else None,
        ahead=_ahead(job_id, job[1], now) if job[0] not in FINAL and job[1] <= now else 0,
        ticker_seen_at=ticker_row.seen_at(),
        workers=len(alive),
        slots=sum(worker.slots for worker in alive),
        slots_in_use=sum(worker.slots_in_use for worker in alive),
        worker_seen_at=known[0].seen_at if known else None,
        schedule_disabled_at=_disabled_at(job_id),
        sibling_under_way=_sibling_under_way(job_id),
        endpoint_is_disabled=_endpoint_is_disabled(job_id),
        listening=open_requests.waiting_of(job_id) if job[0] == "executing" else None,
        gates=tuple(waits.waits_of(job_id, now)) if job[0] in WAITING and job[1] <= now else (),
    )


def explain(facts: Facts, now: int) -> list[Reason]:
    """The reasons why the job is not done, the weightiest first; for a final job, how it ended."""
    if facts.state in FINAL:
        return [_ended(facts)]
    if facts.state == "executing":
        return [_at_listener(facts.listening, now) if facts.listening else _under_way(facts)]
    if facts.scheduled_at > now:
        return [_not_due(facts), *_stopped(facts, now)]
    at_gates = [Reason(wait.code, wait.text, wait.at) for wait in facts.gates]
    waiting = [*_stopped(facts, now), *(at_gates or _held(facts, now)), *([] if at_gates else _queued(facts))]
    return waiting or [Reason("on_its_way", "Nothing prevents it: it is sent within moments.")]


def _ended(facts: Facts) -> Reason:
    texts = {
        "completed": f"It has run: attempt {facts.attempt} was answered with success.",
        "cancelled": "It was cancelled.",
        "discarded": f"It was given up {_given_up_when(facts)}{f': {in_words(facts.reason)}' if facts.reason else ''}.",
    }
    return Reason(facts.state, texts[facts.state])


def _given_up_when(facts: Facts) -> str:
    return f"after attempt {facts.attempt} of {facts.max_attempts}" if facts.attempt else "before its first attempt"


def _under_way(facts: Facts) -> Reason:
    if facts.ack_until is not None:
        until = format_instant(facts.ack_until)
        text = f"Its target took attempt {facts.attempt} and has until {until} to acknowledge how it ended."
        return Reason("waits_for_ack", text)
    until = (
        f" If its worker falls silent, Booper takes it back at {format_instant(facts.lease_until)}."
        if facts.lease_until
        else ""
    )
    began = format_instant(facts.attempted_at) if facts.attempted_at else "a moment ago"
    return Reason("lease_held", f"It is under way: attempt {facts.attempt} began at {began}.{until}")


def _at_listener(waiting: Waiting, now: int) -> Reason:
    until = format_instant(waiting.deadline_at)
    if waiting.taken_at is not None:
        text = f"The listener {waiting.listener} took it at {format_instant(waiting.taken_at)} and has until {until}."
        return Reason("waits_for_listener", text, waiting.deadline_at)
    if listener_store.is_connected(waiting.seen_at, now):
        text = f"It waits until {until} for the listener {waiting.listener} to take it."
        return Reason("waits_for_listener", text, waiting.deadline_at)
    seen = f"since {format_instant(waiting.seen_at)}" if waiting.seen_at is not None else "within a week"
    text = f"No listener of the name {waiting.listener} has asked {seen}. The attempt waits for it until {until}."
    return Reason("listener_away", text, waiting.deadline_at)


def _not_due(facts: Facts) -> Reason:
    at = format_instant(facts.scheduled_at)
    if facts.state == "retryable":
        failed = f" failed: {in_words(facts.reason)}" if facts.reason else " failed"
        return Reason(
            "waits_for_retry",
            f"Attempt {facts.attempt} of {facts.max_attempts}{failed}; the next is at {at}.",
            facts.scheduled_at,
        )
    return Reason("not_due", f"It is not due before {at}.", facts.scheduled_at)


def _stopped(facts: Facts, now: int) -> list[Reason]:
    """The reasons that stop more than this job."""
    reasons = []
    if facts.schedule_disabled_at is not None:
        reasons.append(
            Reason("schedule_disabled", f"Its schedule was disabled at {format_instant(facts.schedule_disabled_at)}.")
        )
    if facts.endpoint_is_disabled:
        reasons.append(
            Reason("endpoint_disabled", "Its endpoint is disabled; it is sent when the endpoint is enabled.")
        )
    if now - facts.ticker_seen_at > ticker_row.SILENT_S * SECOND:
        since = f"no sign of life since {format_instant(facts.ticker_seen_at)}"
        shown = since if facts.ticker_seen_at else "no sign of life so far"
        reasons.append(Reason("ticker_silent", f"The ticker, which hands over due jobs, has shown {shown}."))
    if not facts.workers:
        since = (
            f"has been seen since {format_instant(facts.worker_seen_at)}"
            if facts.worker_seen_at
            else "has ever been seen"
        )
        reasons.append(Reason("no_worker", f"No worker {since}."))
    return reasons


def _held(facts: Facts, now: int) -> list[Reason]:
    if facts.held_until is None or facts.held_until <= now or facts.endpoint_is_disabled:
        return []
    if facts.after_uuid:
        return [
            Reason(
                "waits_for_event",
                f"It waits until the message {facts.after_uuid} has been delivered or given up."
                if facts.kind == ALERT
                else f"It waits until the event {facts.after_uuid} is accepted or has failed once.",
            )
        ]
    if facts.held_until >= PAUSED_UNTIL:
        return []  # what held it is over, and the ticker is about to name it
    until = format_instant(facts.held_until)
    if facts.crashes:
        times = "once" if facts.crashes == 1 else f"{facts.crashes} times"
        return [
            Reason(
                "held_after_crash",
                f"Its worker fell silent {times}; it is tried alone, not before {until}.",
                facts.held_until,
            )
        ]
    if facts.sibling_under_way:
        return [
            Reason(
                "waits_for_turn",
                f"Another job of its schedule is under way; it is tried again at {until}.",
                facts.held_until,
            )
        ]
    text = f"Its account or its host holds its whole share of the slots; it is tried again by {until}."
    return [Reason("host_share_full", text, facts.held_until)]


def _queued(facts: Facts) -> list[Reason]:
    reasons = []
    if facts.slots and facts.slots_in_use >= facts.slots:
        reasons.append(Reason("slots_full", f"All {facts.slots} slots are in use; it takes the next that comes free."))
    if facts.ahead:
        count = f"more than {COUNTED:,}" if facts.ahead > COUNTED else f"{facts.ahead:,}"
        jobs = "job was due before it and has" if facts.ahead == 1 else "jobs were due before it and have"
        reasons.append(Reason("queued_behind", f"{count} {jobs} not begun."))
    return reasons


def _disabled_at(job_id: int) -> int | None:
    sql = "SELECT disabled_at FROM schedule WHERE id = (SELECT schedule_id FROM job WHERE id = %s)"
    rows = fetch(sql, (job_id,))
    return rows[0][0] if rows else None


def _endpoint_is_disabled(job_id: int) -> bool:
    sql = "SELECT 1 FROM endpoint WHERE enabled = 0 AND id = (SELECT endpoint_id FROM job WHERE id = %s)"
    return bool(fetch(sql, (job_id,)))


def _sibling_under_way(job_id: int) -> bool:
    sql = "SELECT schedule_id FROM job WHERE id = %s AND schedule_id IS NOT NULL"
    under_way = f"SELECT 1 FROM job WHERE schedule_id = %s AND {UNDER_WAY_SQL} AND id <> %s LIMIT 1"
    return any(fetch(under_way, (schedule_id, job_id)) for (schedule_id,) in fetch(sql, (job_id,)))


def _ahead(job_id: int, scheduled_at: int, now: int) -> int:
    """How many waiting jobs were due before this one, staged or not."""
    unstaged = f"SELECT 1 FROM job WHERE staged_at IS NULL AND {WAITING_SQL} AND {DUE_AT} < %s AND id <> %s LIMIT %s"
    staged = (
        "SELECT 1 FROM job WHERE staged_at IS NOT NULL AND staged_at <= %s AND scheduled_at < %s AND id <> %s LIMIT %s"
    )
    limit = COUNTED + 1
    first = fetch(f"SELECT count(*) FROM ({unstaged}) AS few", (scheduled_at, job_id, limit))[0][0]
    second = fetch(f"SELECT count(*) FROM ({staged}) AS few", (now, scheduled_at, job_id, limit))[0][0]
    return min(int(first) + int(second), limit)
