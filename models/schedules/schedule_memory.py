"""Owns what a schedule remembers of its jobs: the latest good answer, the state, and failures in a row.

Written in the transaction that records the jobs, under the lock on each schedule's row, so that two jobs that end at
once lose nothing of each other. What began before the schedule was last enabled leaves the answer and the count as
they are.
"""

import json
from collections.abc import Sequence
from typing import Any, NamedTuple

from models.database.connection import dialect
from models.database.sql import execute, fetch, values_table
from models.jobs import records
from models.rules import templating
from models.schedules import firings, schedule_store

NOT_KEPT = "worker.schedule.not_kept"
AUTO_DISABLED = "worker.schedule.disabled"


class FinishedJob(NamedTuple):
    """A job of a schedule that has ended. `answer`: the body of a good answer, None when it was given up; `whole`:
    whether the answer was read to its end."""

    job_id: int
    account_id: int
    schedule_id: str
    fire_at: int
    answer: bytes | None
    whole: bool = True


class ScheduleMemory(NamedTuple):
    id: str
    previous: str | None
    state: str
    failures: int
    disable_after: int | None
    enabled_at: int
    disabled_at: int | None


def remember(ended: Sequence[FinishedJob], now: int) -> None:
    """Write down what these jobs mean for their schedules; to be called inside a transaction."""
    if not ended:
        return
    rows = _locked(sorted({one.schedule_id for one in ended}))
    notes: list[records.LogRow] = []
    for one in ended:
        if one.schedule_id in rows:
            rows[one.schedule_id], reasons = _after(rows[one.schedule_id], one)
            notes += [_note(one, NOT_KEPT, {"reason": reason}, now) for reason in reasons]
    _write(list(rows.values()))
    for one in _last_of_each(ended):
        row = rows.get(one.schedule_id)
        if row and row.disabled_at is None and row.disable_after and row.failures >= row.disable_after:
            reason = f"{row.failures} of its jobs in a row failed"
            schedule_store.disable(one.account_id, row.id, now, f"its schedule was disabled: {reason}")
            notes.append(_note(one, AUTO_DISABLED, {"reason": reason, "failures": row.failures}, now))
    records.add_log_entries(notes)
    firings.release_next_in_turn(rows, now)


def _after(row: ScheduleMemory, one: FinishedJob) -> tuple[ScheduleMemory, list[str]]:
    """The schedule after this job, and why something of its answer is not kept."""
    is_of_now = one.fire_at >= row.enabled_at and row.disabled_at is None
    if one.answer is None:
        return (row._replace(failures=row.failures + 1) if is_of_now else row), []
    reasons: list[str] = []
    answer = templating.answer_of(one.answer) if one.whole else {}
    if not one.whole:
        reasons.append("the answer is longer than what is kept of it; $previous is {} and $set is not read")
    try:
        row = row._replace(state=templating.encoded(templating.merge_state(json.loads(row.state), answer)))
    except ValueError as error:
        reasons.append(f"{error}; the state stays as it was")
    previous = templating.encoded(answer)
    if len(previous.encode()) > templating.MAX_MEMORY_BYTES:
        reasons.append(f"the answer must be at most {templating.MAX_MEMORY_BYTES} bytes as JSON; $previous is {{}}")
        previous = "{}"
    return (row._replace(previous=previous, failures=0) if is_of_now else row), reasons


def _locked(schedule_ids: Sequence[str]) -> dict[str, ScheduleMemory]:
    lock = " FOR UPDATE" if dialect() == "postgresql" else ""
    marks = ", ".join(["%s"] * len(schedule_ids))
    columns = ", ".join(ScheduleMemory._fields)
    rows = fetch(f"SELECT {columns} FROM schedule WHERE id IN ({marks}) ORDER BY id{lock}", schedule_ids)
    return {str(row[0]): ScheduleMemory(str(row[0]), *row[1:]) for row in rows}


def _write(rows: Sequence[ScheduleMemory]) -> None:
    if rows:
        given, params = values_table(
            "id uuid, previous text, state text, failures int",
            [(row.id, row.previous, row.state, row.failures) for row in rows],
        )
        execute(
            "UPDATE schedule SET previous = given.previous, state = given.state, failures = given.failures "
            f"FROM {given} AS given WHERE schedule.id = given.id",
            params,
        )


def _last_of_each(ended: Sequence[FinishedJob]) -> list[FinishedJob]:
    return list({one.schedule_id: one for one in ended}.values())


def _note(one: FinishedJob, event: str, payload: dict[str, Any], now: int) -> records.LogRow:
    return records.log_row(one.account_id, one.job_id, one.schedule_id, event, payload, now)
