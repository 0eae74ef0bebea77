"""Signals to stop: tells the second signal from an echo of the first, and ties a child's life to its parent's."""

import ctypes
import signal
import sys
import time

PR_SET_PDEATHSIG = 1
# Looked up at import: a child that is forked while another thread loads a library must not load one itself.
prctl = ctypes.CDLL(None).prctl if sys.platform == "linux" else None
AT_ONCE = signal.SIGHUP
SAME_SIGNAL_S = 0.1  # make, a shell or a service manager may repeat the signal that the whole group got


class StopSignals:
    """Counts the signals to stop that one process gets."""

    def __init__(self) -> None:
        self._first_s: float | None = None

    def is_second(self) -> bool:
        """Note a signal; whether it is a second one and no echo of the first."""
        now_s = time.monotonic()
        if self._first_s is None:
            self._first_s = now_s
        return now_s - self._first_s > SAME_SIGNAL_S


def die_with_parent() -> None:
    """In a child, before its program starts: have the kernel end it when the parent is gone."""
    if prctl is not None:
        prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
