"""Tells systemd how a process is: that it is ready, and that it still lives (for units of Type=notify with a watchdog).

Without systemd, or in a unit of another type, nothing is sent.
"""

import logging
import os
import time

from gunicorn.systemd import sd_notify

log = logging.getLogger("booper.systemd")
LIMIT_US, OWNER = "WATCHDOG_USEC", "WATCHDOG_PID"
READY, ALIVE = "READY=1", "WATCHDOG=1"
SIGNS_WITHIN_LIMIT = 3


def notify(state: str) -> None:
    """Send one line to the socket that systemd names in the environment. It is never an error if nobody takes it."""
    sd_notify(state, log)


def pause_s() -> float | None:
    """How long to wait between two signs of life; None if systemd waits for none of this process."""
    limit_us = os.environ.get(LIMIT_US, "")
    owner = os.environ.get(OWNER) or str(os.getpid())
    if not limit_us.isdecimal() or owner != str(os.getpid()):
        return None
    return int(limit_us) / 1_000_000 / SIGNS_WITHIN_LIMIT


class SignOfLife:
    """To be called again and again by the loop that has to go on; sends a sign of life as often as systemd wants."""

    def __init__(self) -> None:
        self._pause_s = pause_s()
        self._next_s = 0.0

    def __call__(self) -> None:
        if self._pause_s is not None and time.monotonic() >= self._next_s:
            notify(ALIVE)
            self._next_s = time.monotonic() + self._pause_s
