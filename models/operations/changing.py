"""Changes a job for its owner, before its first attempt, and lets a job that waits run now.

The row is locked while the change is made from what it holds, so that of two changes none undoes the other. A claim
passes over a locked row and finds it changed a moment later, and what a claim has taken is not changed: the guard of
`lifecycle.change` names the states and that nothing was attempted.
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from models.database.sql import execute, fetch, for_update
from models.database.transactions import after_commit, transaction
from models.flows import leaving
from models.jobs import job_store, labels, lifecycle, records, replays
from models.jobs.job_kinds import REQUEST
from models.jobs.job_store import SHOWN, JobRow, NewJob
from models.jobs.log_events import JOB_CHANGED
from models.jobs.states import FINAL, WAITING

CHANGED = (  # columns that a change may set, besides the time and the labels
    *("args", "body", "content_type", "host", "hops", "name", "description"),
    *("max_attempts", "timeout_ms", "ack_within_us", "backoff", "retry_until", "judging", "redact", "notify"),
)
NOT_A_REQUEST = "Only jobs of the kind request can be changed."
OF_A_SCHEDULE = "A job of a schedule can't be changed by itself; change the schedule."
NOT_WAITING = "The job does not wait: its attempt has begun, or it has ended."
TOO_LATE = "The job can't be changed any more: its first attempt has begun, or it has ended."


class NotChangeable(Exception):
    """The job is not one that may be changed; the message says why."""

    def __init__(self, message: str, has_ended: bool = False) -> None:
        super().__init__(message)
        self.has_ended = has_ended


class Gates(NamedTuple):
    """The gates of a job."""

    flow_id: int | None
    lane_id: int | None


def change(
    account_id: int, key: int | str, fields: Sequence[str], make: Callable[[JobRow, int], NewJob], now: int
) -> JobRow | None:
    """Make the account's job what `make` says of its row and its hops; returns it, or None when there is none. A change
    that changes nothing is none. `fields`: what the owner changes, for the log. Raises NotChangeable."""
    column = "id" if isinstance(key, int) else "uuid"
    with transaction():
        sql = f"SELECT {SHOWN}, {', '.join(CHANGED)}, flow_id, lane_id FROM job WHERE {column} = %s AND account_id = %s"
        rows = fetch(f"{sql}{for_update()}", (key, account_id))
        if not rows:
            return None
        shown, stored, gates = _parts(rows[0])
        new = make(shown, stored["hops"])
        values = {name: getattr(new, name) for name in CHANGED}
        if values != stored or new.scheduled_at != shown.scheduled_at:
            _write(shown, new, values)
            _label(shown, new)
            entry = records.log_row(account_id, shown.id, None, JOB_CHANGED, {"fields": sorted(fields)}, now)
            records.add_log_entries([entry])
            after_commit(lambda: leaving.make_room([gates]))
        return job_store.find(account_id, shown.id)


def run_now(account_id: int, key: int | str, now: int) -> JobRow | None:
    """Make the account's job due now, instead of later: its first attempt, or the next one after a failure. Returns it,
    or None when there is none. One that is due already stays as it is. Raises NotChangeable."""
    with transaction():
        job = job_store.find(account_id, key)
        if job is None or (job.state in WAITING and job.scheduled_at <= now):
            return job
        if not (lifecycle.hasten([job.id], now) if job.state == "retryable" else _moved_to_now(job, now)):
            raise NotChangeable(NOT_WAITING)
        entry = records.log_row(account_id, job.id, None, JOB_CHANGED, {"fields": ["scheduled_at"]}, now)
        records.add_log_entries([entry])
        return job_store.find(account_id, job.id)


def run_again(account_id: int, ids: Sequence[int], now: int) -> int:
    """Make those of the account's jobs due now that wait, each in a transaction of its own, and replay those that have
    ended; returns how many there are of both. One that is under way is left alone: it is not sent beside itself."""
    moved, ended = 0, []
    for job_id in ids:
        try:
            moved += run_now(account_id, job_id, now) is not None
        except NotChangeable as refusal:
            ended += [job_id] if refusal.has_ended else []
    return moved + len(replays.replay(account_id, ended, now))


def _moved_to_now(job: JobRow, now: int) -> bool:
    if job.state in FINAL:
        raise NotChangeable(NOT_WAITING, has_ended=True)
    if job.kind != REQUEST or job.schedule_id is not None:
        raise NotChangeable(NOT_A_REQUEST if job.kind != REQUEST else OF_A_SCHEDULE)
    return lifecycle.reschedule(job.id, {}, now)


def _parts(row: Sequence[Any]) -> tuple[JobRow, dict[str, Any], Gates]:
    shown, stored, gates = row[: len(JobRow._fields)], row[len(JobRow._fields) : -2], row[-2:]
    values = dict(zip(CHANGED, stored, strict=True))
    values["body"] = values["body"] and bytes(values["body"])
    return job_store.shown_row(shown), values, Gates(*gates)


def _write(job: JobRow, new: NewJob, values: dict[str, Any]) -> None:
    if job.kind != REQUEST:
        raise NotChangeable(NOT_A_REQUEST)
    if job.schedule_id is not None:
        raise NotChangeable(OF_A_SCHEDULE)
    is_moved = new.scheduled_at != job.scheduled_at
    if not (lifecycle.reschedule(job.id, values, new.scheduled_at) if is_moved else lifecycle.change(job.id, values)):
        raise NotChangeable(TOO_LATE)


def _label(job: JobRow, new: NewJob) -> None:
    """Give the job the labels of the change and no others."""
    execute("DELETE FROM job_label WHERE job_id = %s", (job.id,))
    labels.add([(new.account_id, label, job.inserted_at, job.id) for label in new.labels])
