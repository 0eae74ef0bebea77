"""Gives handlers of signals a flag that they may set, and a way to run work in another thread. Tells a second signal
from a repetition of the first, and ends a child when its parent ends.

A handler runs inside whatever its thread is doing, also inside another handler. It must take no lock that its thread
may hold: `threading.Event.set` and `threading.Thread.start` take such locks.
"""

import _thread
import contextlib
import ctypes
import signal
import sys
import threading
import time
from collections.abc import Callable

PR_SET_PDEATHSIG = 1
# Looked up at import: a child that is forked while another thread loads a library must not load one.
prctl = ctypes.CDLL(None).prctl if sys.platform == "linux" else None
AT_ONCE = signal.SIGHUP
SAME_SIGNAL_S = 0.1  # make, a shell or a service manager may repeat a signal that the whole group received


class Flag:
    """Does what `threading.Event` does, and may be set in a handler of signals.

    A thread waits for a lock that is locked from the beginning. `set` releases it, which never waits. Each thread that
    gets the lock releases it for the next."""

    def __init__(self) -> None:
        self._is_set = False
        self._awaited = threading.Lock()
        self._awaited.acquire()

    def set(self) -> None:
        self._is_set = True
        self._pass_on()

    def is_set(self) -> bool:
        return self._is_set

    def wait(self, limit_s: float) -> bool:
        """Wait until it is set, for at most `limit_s` seconds; returns whether it is set."""
        if not self._is_set and self._awaited.acquire(timeout=max(0.0, limit_s)):
            self._pass_on()
        return self._is_set

    def _pass_on(self) -> None:
        with contextlib.suppress(RuntimeError):  # another has released it
            self._awaited.release()


stopping = Flag()  # set once, when this process was told to stop


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


def run_apart(work: Callable[[], object], limit_s: float) -> None:
    """Run `work`, which may take any lock, in a thread of its own. Wait for its end, at most `limit_s` seconds."""
    ended = Flag()

    def run() -> None:
        try:
            work()
        finally:
            ended.set()

    _thread.start_new_thread(run, ())
    ended.wait(limit_s)


def die_with_parent() -> None:
    """Have the kernel end this process when its parent ends. Called in a child, before its program starts."""
    if prctl is not None:
        prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
