"""Waiting for a condition, with a limit that only a failure reaches."""

import time
from collections.abc import Callable
from typing import Any

LIMIT_SECONDS = 60
PAUSE_SECONDS = 0.02


def wait_until(
    condition: Callable[[], Any],
    limit_seconds: float = LIMIT_SECONDS,
    what: str = "the condition to hold",
    pause_seconds: float = PAUSE_SECONDS,
) -> Any:
    """The first true value of the condition; AssertionError naming `what` after the limit."""
    deadline = time.monotonic() + limit_seconds
    while not (value := condition()):
        assert time.monotonic() < deadline, f"waited {limit_seconds} s in vain for {what}"
        time.sleep(pause_seconds)
    return value
