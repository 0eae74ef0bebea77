"""Selects the results that a schedule has to know: of which jobs, with which response. Called by the recorder."""

from collections.abc import Iterable

from models.schedules import schedule_memory
from models.schedules.schedule_memory import FinishedJob
from workers.delivery.attempt_records import Result
from workers.delivery.judge import Complete, Retry, Verdict
from workers.transport.outcome import Answered


def remember(judged: Iterable[tuple[Result, Verdict]], now: int) -> None:
    """Update the schedules whose jobs have ended, in the transaction that records these."""
    ended = [
        _ended(result, verdict)
        for result, verdict in judged
        if result.job.schedule_id is not None and not isinstance(verdict, Retry)
    ]
    schedule_memory.remember(ended, now)


def _ended(result: Result, verdict: Verdict) -> FinishedJob:
    job, outcome = result.job, result.outcome
    finished = FinishedJob(job.id, job.account_id, str(job.schedule_id), job.fire_at or 0, None)
    if isinstance(verdict, Complete) and isinstance(outcome, Answered):
        return finished._replace(answer=outcome.body, whole=not outcome.truncated)
    return finished
