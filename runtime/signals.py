"""Tells a second signal to stop from a repetition of the first, and ends a child when its parent ends."""

import ctypes
import signal
import sys
import threading
import time

PR_SET_PDEATHSIG = 1
stopping = threading.Event()  # set once, when this process was told to stop
# Looked up at import: a child that is forked while another thread loads a library must not load one.
prctl = ctypes.CDLL(None).prctl if sys.platform == "linux" else None
AT_ONCE = signal.SIGHUP
SAME_SIGNAL_S = 0.1  # make, a shell or a service manager may repeat a signal that the whole group received


class StopSignals:
    """Counts the signals to stop that this process receives."""

    def __init__(self) -> None:
        self._first_s: float | None = None

    def is_second(self) -> bool:
        """Note a signal; True if it is a second one and not a repetition of the first."""
        now_s = time.monotonic()
        if self._first_s is None:
            self._first_s = now_s
        return now_s - self._first_s > SAME_SIGNAL_S


def die_with_parent() -> None:
    """Have the kernel end this process when its parent ends. Called in a child, before its program starts."""
    if prctl is not None:
        prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
