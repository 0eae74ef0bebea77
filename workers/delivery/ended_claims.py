"""Ends the claims of a group of results: changes the states of their jobs, as far as each claim still holds its job.

What the transitions return are ids of jobs. But a group may hold results of two claims of one job, when a process stood
still beyond a lease and claimed the job again. So what follows from a result is decided by its claim: job and fence.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from models.jobs import lifecycle
from workers.delivery import schedule_results
from workers.delivery.attempt_records import Result
from workers.delivery.judge import Complete, Discard, Later, Retry, Stopped, Verdict

Claim = tuple[int, int]  # a job's id, and the fence


class Judged(NamedTuple):
    result: Result
    verdict: Verdict


def claim_of(judged: Judged) -> Claim:
    return judged.result.job.id, judged.result.job.claim_id


def end(judged: Sequence[Judged], now: int) -> list[Judged]:
    """End the claims. Returns the results whose claims still held their jobs, with the verdicts that came into effect:
    a job that was cancelled during the attempt, or whose schedule has ended, is not tried again."""
    reasons = schedule_results.of_ended_schedules(judged)
    judged = [_given_up(each, reasons.get(each.result.job.id)) for each in judged] if reasons else judged
    held: set[Claim] = set()
    cancelled: set[Claim] = set()
    for part in _one_claim_of_each_job(judged):
        changed = _change_states(part, now)
        closed = lifecycle.close_cancelled_claims([part[job_id].result.job for job_id in part.keys() - changed])
        held.update(claim_of(part[job_id]) for job_id in changed | closed)
        cancelled.update(claim_of(part[job_id]) for job_id in closed)
    return [_stopped(each) if claim_of(each) in cancelled else each for each in judged if claim_of(each) in held]


def _change_states(part: Mapping[int, Judged], now: int) -> set[int]:
    """The ids of the jobs that changed state, or wait from now on for an acknowledgement."""
    judged = list(part.values())
    changed = lifecycle.complete([result.job for result, verdict in judged if isinstance(verdict, Complete)], now)
    changed |= lifecycle.discard([result.job for result, verdict in judged if isinstance(verdict, Discard)], now)
    later = [(result.job, verdict.until) for result, verdict in judged if isinstance(verdict, Later)]
    changed |= lifecycle.wait_for_acks(later)
    retried = [(result.job, verdict.next_at) for result, verdict in judged if isinstance(verdict, Retry)]
    return changed | lifecycle.retry(retried)


def _one_claim_of_each_job(judged: Sequence[Judged]) -> Iterator[dict[int, Judged]]:
    """The results by job, in as many parts as one job has claims among them."""
    rest = list(judged)
    while rest:
        part: dict[int, Judged] = {}
        for each in rest:
            part.setdefault(each.result.job.id, each)
        yield part
        rest = [each for each in rest if part[each.result.job.id] is not each] if len(part) < len(rest) else []


def _given_up(judged: Judged, reason: str | None) -> Judged:
    """The result of a job that is not tried again for this reason, if there is one."""
    if reason is None or not isinstance(judged.verdict, Retry):
        return judged
    return judged._replace(verdict=Discard(reason))


def _stopped(judged: Judged) -> Judged:
    """The result of a job that was cancelled during the attempt: it does not fail, and no other attempt follows."""
    verdict = judged.verdict
    if isinstance(verdict, Complete):
        return judged
    return judged._replace(verdict=Stopped(None if isinstance(verdict, Later) else verdict.reason))
