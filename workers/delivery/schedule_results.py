"""Selects the results that a schedule has to know: of which jobs, with which response. Called by the recorder."""

from collections.abc import Iterable, Mapping

from models.jobs.lifecycle import ClaimedJob
from models.schedules import schedule_memory
from models.schedules.schedule_memory import FinishedJob
from workers.delivery.attempt_records import Result
from workers.delivery.judge import Complete, Later, Retry, Stopped, Verdict
from workers.transport.outcome import Answered, Outcome, Unreachable

GATEWAY_ERRORS = (502, 503, 504)
SCHEDULE_DELETED, SCHEDULE_DISABLED = "schedule_deleted", "schedule_disabled"


def remember(judged: Iterable[tuple[Result, Verdict]], now: int) -> None:
    """Update the schedules whose jobs have ended, in the transaction that records these."""
    ended = [
        _ended(result, verdict)
        for result, verdict in judged
        if result.job.schedule_id is not None and not isinstance(verdict, Retry | Later)
    ]
    schedule_memory.remember(ended, now)


def of_ended_schedules(judged: Iterable[tuple[Result, Verdict]]) -> dict[int, str]:
    """Why failed jobs are not tried again whose schedules were deleted, or were disabled after they were made: the
    reasons by the jobs' ids. Costs a query only if a job of a schedule is to be tried again."""
    retried = [
        result.job for result, verdict in judged if result.job.schedule_id is not None and isinstance(verdict, Retry)
    ]
    if not retried:
        return {}
    disabled_at = schedule_memory.disabled_at({str(job.schedule_id) for job in retried})
    reasons = {job.id: _reason_to_end(job, disabled_at) for job in retried}
    return {job_id: reason for job_id, reason in reasons.items() if reason}


def _reason_to_end(job: ClaimedJob, disabled_at: Mapping[str, int | None]) -> str | None:
    if str(job.schedule_id) not in disabled_at:
        return SCHEDULE_DELETED
    at = disabled_at[str(job.schedule_id)]
    return SCHEDULE_DISABLED if at is not None and job.inserted_at < at else None


def _ended(result: Result, verdict: Verdict) -> FinishedJob:
    job, outcome = result.job, result.outcome
    finished = FinishedJob(job.id, job.account_id, str(job.schedule_id), job.fire_at or 0, None)
    if isinstance(verdict, Complete) and isinstance(outcome, Answered):
        return finished._replace(answer=outcome.body, whole=not outcome.truncated)
    down_host = job.host if means_host_is_down(outcome) else None
    stopped, reason = isinstance(verdict, Stopped), getattr(verdict, "reason", None)
    return finished._replace(stopped=stopped, reason=reason, down_host=down_host)


def means_host_is_down(outcome: Outcome) -> bool:
    """Whether every request to the host may be expected to fail like this one."""
    return isinstance(outcome, Unreachable) or (isinstance(outcome, Answered) and outcome.status_code in GATEWAY_ERRORS)
