"""Updates a schedule when its jobs have ended: what it remembers of them, whether it stays enabled, whose turn is next.

It remembers the latest good answer, the state, and how many jobs in a row failed. After too many it is disabled. The
next of its jobs that waits for its turn may be staged.

The transaction that records the jobs writes it, under the lock on each schedule's row, so that two jobs that end at
once both take effect. A job that began before the schedule was last enabled leaves the answer and the count as they
are.
"""

import json
from collections.abc import Collection, Sequence
from typing import Any, NamedTuple

from models.database.base import typed_columns
from models.database.sql import any_of, execute, fetch, for_update, values_table
from models.jobs import records
from models.jobs.log_events import ANSWER_NOT_KEPT, SCHEDULE_DISABLED
from models.rules import templating
from models.schedules import health_events, schedule_changes
from models.schedules.disable import because
from models.schedules.health_events import HealthEventRow
from models.schedules.overlap import release_next_in_turn
from models.schedules.schedule_tables import Schedule


class FinishedJob(NamedTuple):
    """A job of a schedule that has ended. `answer`: the body of a good answer, None for a job that failed; `whole`:
    whether the answer was read to its end; `stopped`: whether it was cancelled meanwhile, so that it is no failure;
    `reason`: why it failed, and `down_host`: the host that is down, if that is why."""

    job_id: int
    account_id: int
    schedule_id: str
    fire_at: int
    answer: bytes | None
    whole: bool = True
    stopped: bool = False
    reason: str | None = None
    down_host: str | None = None


class ScheduleMemory(NamedTuple):
    id: str
    previous: str | None
    state: str
    failures: int
    disable_after: int | None
    enabled_at: int
    disabled_at: int | None
    succeeded_at: int | None


def remember(ended: Sequence[FinishedJob], now: int) -> None:
    """Update the schedules of these jobs, and disable those whose jobs failed too often. To be called inside a
    transaction."""
    if not ended:
        return
    rows = _locked(sorted({job.schedule_id for job in ended}))
    notes: list[records.LogRow] = []
    health: list[HealthEventRow] = []
    for job in ended:
        if job.schedule_id in rows:
            before = rows[job.schedule_id]
            rows[job.schedule_id], reasons = _after(before, job, now)
            health += _health_events(before, rows[job.schedule_id], job, now)
            notes += [_note(job, ANSWER_NOT_KEPT, {"reason": reason}, now) for reason in reasons]
    _write(list(rows.values()))
    for job in _last_of_each(ended):
        row = rows.get(job.schedule_id)
        if row and row.disabled_at is None and row.disable_after and row.failures >= row.disable_after:
            reason = f"{row.failures} of its jobs in a row failed"
            schedule_changes.disable(job.account_id, row.id, now, because(reason))
            health.append(HealthEventRow(row.id, health_events.DISABLED, now, row.failures, reason))
            notes.append(_note(job, SCHEDULE_DISABLED, {"reason": reason, "failures": row.failures}, now))
    records.add_log_entries(notes)
    health_events.add(health)
    release_next_in_turn(rows, now)


def disabled_at(schedule_ids: Collection[str]) -> dict[str, int | None]:
    """When these schedules were disabled; None: enabled. Leaves out those that are deleted."""
    of_these, ids = any_of("id", list(schedule_ids), "uuid")
    return {str(row[0]): row[1] for row in fetch(f"SELECT id, disabled_at FROM schedule WHERE {of_these}", (ids,))}


def _health_events(before: ScheduleMemory, after: ScheduleMemory, job: FinishedJob, now: int) -> list[HealthEventRow]:
    """What this end means to alert rules. A job from before its schedule was enabled means nothing."""
    if after.failures > before.failures:
        return [HealthEventRow(after.id, health_events.FAILED, now, after.failures, job.reason, job.down_host)]
    if after.succeeded_at != before.succeeded_at:
        return [HealthEventRow(after.id, health_events.SUCCEEDED, now, 0, matters=int(before.failures > 0))]
    return []


def _after(row: ScheduleMemory, job: FinishedJob, now: int) -> tuple[ScheduleMemory, list[str]]:
    """The schedule after this job, and the reasons why parts of its answer are not kept."""
    is_current = job.fire_at >= row.enabled_at and row.disabled_at is None
    if job.answer is None:
        return (row._replace(failures=row.failures + 1) if is_current and not job.stopped else row), []
    reasons: list[str] = []
    answer = templating.answer_of(job.answer) if job.whole else {}
    if not job.whole:
        reasons.append("the answer is longer than what is kept of it; $previous is {} and $set is not read")
    try:
        row = row._replace(state=templating.encoded(templating.merge_state(json.loads(row.state), answer)))
    except ValueError as error:
        reasons.append(f"{error}; the state stays as it was")
    previous = templating.encoded(answer)
    if len(previous.encode()) > templating.MAX_MEMORY_BYTES:
        reasons.append(f"the answer must be at most {templating.MAX_MEMORY_BYTES} bytes as JSON; $previous is {{}}")
        previous = "{}"
    if not is_current:
        return row, reasons
    return row._replace(previous=previous, failures=0, succeeded_at=now), reasons


def _locked(schedule_ids: Sequence[str]) -> dict[str, ScheduleMemory]:
    of_these, ids = any_of("id", schedule_ids, "uuid")
    columns = ", ".join(ScheduleMemory._fields)
    rows = fetch(f"SELECT {columns} FROM schedule WHERE {of_these} ORDER BY id{for_update()}", (ids,))
    return {str(row[0]): ScheduleMemory(str(row[0]), *row[1:]) for row in rows}


def _write(rows: Sequence[ScheduleMemory]) -> None:
    if rows:
        names = ("id", "previous", "state", "failures", "succeeded_at")
        values = [tuple(getattr(row, name) for name in names) for row in rows]
        table, params = values_table(typed_columns(Schedule, names), values)
        execute(
            "UPDATE schedule SET previous = input.previous, state = input.state, failures = input.failures, "
            "succeeded_at = input.succeeded_at "
            f"FROM {table} AS input WHERE schedule.id = input.id",
            params,
        )


def _last_of_each(ended: Sequence[FinishedJob]) -> list[FinishedJob]:
    return list({job.schedule_id: job for job in ended}.values())


def _note(job: FinishedJob, event: str, payload: dict[str, Any], now: int) -> records.LogRow:
    return records.log_row(job.account_id, job.job_id, job.schedule_id, event, payload, now)
