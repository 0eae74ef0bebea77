"""Owns what becomes of a job after an attempt: Outcome × attempt × policy × now → Complete, Retry or Discard. Pure."""

from dataclasses import dataclass

from models.backoff import engine_delay_us
from workers.outcome import Answered, Outcome, Refused

NOT_REACHABLE = "not_reachable"
# One word for whatever could tell a stranger what lies in the operator's network.
REASONS = {"dns": NOT_REACHABLE, "connect": NOT_REACHABLE, "tls": NOT_REACHABLE}


@dataclass(frozen=True, slots=True)
class Complete:
    pass


@dataclass(frozen=True, slots=True)
class Retry:
    next_at: int
    reason: str


@dataclass(frozen=True, slots=True)
class Discard:
    reason: str


Verdict = Complete | Retry | Discard


def judge(outcome: Outcome, attempt: int, max_attempts: int, now: int, chance: float) -> Verdict:
    """The verdict on the `attempt`th attempt of a job. `chance`: a random number from 0 to 1 that spreads retries."""
    if isinstance(outcome, Answered) and 200 <= outcome.status_code <= 299:
        return Complete()
    reason = reason_of(outcome)
    if isinstance(outcome, Refused) or attempt >= max_attempts:
        return Discard(reason)
    return Retry(now + engine_delay_us(attempt, chance), reason)


def reason_of(outcome: Outcome) -> str:
    """Why an attempt failed, in the word its owner may see."""
    if isinstance(outcome, Answered):
        return f"status_{outcome.status_code}"
    return REASONS.get(outcome.reason, outcome.reason)
