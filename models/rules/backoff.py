"""Computes when a failed job is tried again, by the policy that its client chose. Pure.

A policy is JSON in `job.backoff`; null is the engine's rule. The caller draws `random_fraction`, from 0 to 1. Full
jitter multiplies the policy's delay by it; the engine's rule adds up to 10 %. By no policy does a target receive more
than one attempt of a job in a second.
"""

from typing import Any

from models.rules.clock import SECOND

ENGINE = "engine"
ENGINE_JITTER = 0.1
LONGEST_DELAY_S = 366 * 24 * 3600
SHORTEST_DELAY_US = SECOND


def delay_us(policy: Any, attempt: int, random_fraction: float) -> int:
    """Microseconds to wait after the `attempt`th attempt (from 1). `policy` is checked JSON, or None."""
    if policy is None or policy == ENGINE:
        return engine_delay_us(attempt, random_fraction)
    seconds = min(plain_delay_s(policy, attempt), LONGEST_DELAY_S)
    jitter = random_fraction if isinstance(policy, dict) and policy.get("jitter") == "full" else 1
    return max(int(seconds * SECOND * jitter), SHORTEST_DELAY_US)


def engine_delay_us(attempt: int, random_fraction: float) -> int:
    """15 + 2^attempt seconds, and up to 10 % more."""
    return int((15 + 2**attempt) * SECOND * (1 + ENGINE_JITTER * random_fraction))


def plain_delay_s(policy: Any, attempt: int) -> float:
    """The policy's delay in seconds, before jitter."""
    if isinstance(policy, list):
        return policy[min(attempt, len(policy)) - 1]
    if "delays" in policy:
        return plain_delay_s(policy["delays"], attempt)
    if "fixed" in policy:
        return policy["fixed"]
    return exponential_s(**policy["exponential"], attempt=attempt)


def exponential_s(base: float, factor: float, cap: float, attempt: int) -> float:
    """`base` after the first attempt, `factor` times as much after each further one, never more than `cap`."""
    try:
        return min(base * factor ** (attempt - 1), cap)
    except OverflowError:
        return cap
