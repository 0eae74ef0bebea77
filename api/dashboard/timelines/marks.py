"""Says of each attempt, job and instant what its mark on a timeline looks like: a class, a text, an address. Pure."""

from typing import NamedTuple

from api.dashboard.filters import span, utc
from api.dashboard.timelines.spans import LATE
from models.operations.timelines.coming_jobs import ComingJob
from models.operations.timelines.past_attempts import PastAttempt
from models.operations.timelines.planned_instants import PlannedInstant
from models.rules.lateness import LATE_AFTER_US
from models.schedules.firing_rows import FiringRow

DONE, SLOW, AGAIN, FAILED, NOT_RUN = "done", "slow", "again", "failed", "not-run"
RUNNING, OVERDUE, DUE, RETRY, PLANNED = "running", "overdue", "due", "retry", "planned"
LOOKS = {  # of a mark: its meaning in the legend
    DONE: "succeeded",
    SLOW: "succeeded late",
    AGAIN: "failed, to be tried again",
    FAILED: "failed for good",
    NOT_RUN: "did not run",
    RUNNING: "under way",
    OVERDUE: "due, not sent yet",
    DUE: "to be sent",
    RETRY: "to be tried again",
    PLANNED: "planned by a schedule",
}
MAX_NAME_CHARS = 40


class Mark(NamedTuple):
    """`height_us`: what its height stands for; None: it is stacked on its neighbours. `key`: by which a page that is
    refreshed knows it again. `job_id` or `schedule_id`: what a click opens."""

    at: int
    look: str
    text: str
    height_us: int | None
    key: str
    job_id: int | None = None
    schedule_id: str | None = None


def of_attempt(row: PastAttempt, height: str) -> Mark:
    result = f"{row.status_code or row.reason or row.outcome}"
    took_us = row.finished_at - row.started_at
    parts = (LOOKS[_look(row)], result, f"{span(max(row.lateness_us, 0))} late", f"took {span(max(took_us, 0))}")
    text = _text(row.started_at, row.name or row.host, *parts)
    return Mark(row.started_at, _look(row), text, row.lateness_us if height == LATE else took_us, _key(row), row.job_id)


def _look(row: PastAttempt) -> str:
    if row.has_failed:
        return AGAIN if row.next_at is not None else FAILED
    return SLOW if row.lateness_us > LATE_AFTER_US else DONE


def _key(row: PastAttempt) -> str:
    return f"{row.job_id}.{row.number}"


def of_job(job: ComingJob, now: int) -> Mark:
    """The attempt that a job waits for, or that is under way."""
    if job.state == "executing":
        at, look, number = job.attempted_at or now, RUNNING, job.attempt
    else:
        at, number = job.scheduled_at, job.attempt + 1
        look = OVERDUE if at <= now else RETRY if job.state == "retryable" else DUE
    parts = (LOOKS[look], f"attempt {number}") if number > 1 else (LOOKS[look],)
    return Mark(at, look, _text(at, job.name or job.host, *parts), None, f"{job.id}.{number}", job.id)


def of_instant(instant: PlannedInstant) -> Mark:
    text = _text(instant.at, instant.name or "schedule", LOOKS[PLANNED])
    return Mark(instant.at, PLANNED, text, None, f"{instant.schedule_id}.{instant.at}", None, instant.schedule_id)


def of_firing(row: FiringRow, meaning: str) -> Mark:
    """An instant of a schedule at which no job began."""
    return Mark(row.fire_at, NOT_RUN, _text(row.fire_at, meaning), None, f"{row.schedule_id}.{row.fire_at}", row.job_id)


def _text(at: int, *parts: str) -> str:
    """The instant comes first, so that a script can tell it in the reader's zone."""
    return " · ".join([utc(at), *(part[:MAX_NAME_CHARS] for part in parts if part)])
