"""Owns when a failed job is tried again. Pure."""

from models.clock import SECOND

JITTER = 0.1


def engine_delay_us(attempt: int, chance: float) -> int:
    """Microseconds to wait after the `attempt`th attempt (from 1): 15 + 2^attempt seconds and up to 10 % more.

    `chance` is a random number from 0 to 1, given by the caller.
    """
    return int((15 + 2**attempt) * SECOND * (1 + JITTER * chance))
