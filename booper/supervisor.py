"""Keeps a group of child processes running: starts them, restarts each that ends, passes on the signals to stop.

At the first signal the children get SIGTERM, at the second SIGHUP, which Dramatiq's command line passes on to its
processes. SIGTERM can't mark the second: one signal may reach them as several (from the group, Dramatiq and here).

Dramatiq stops all its worker processes when one of them dies, and does not restart a forked function. So without a
supervisor one killed process would end the deliveries of a host. Children die with this process (PR_SET_PDEATHSIG).
"""

import logging
import signal
import subprocess
import time
from collections.abc import Callable, Sequence
from types import FrameType

from runtime.signals import AT_ONCE, Flag, StopSignals, die_with_parent

log = logging.getLogger("booper.supervisor")
LOOK_EVERY_S = 0.2
QUICK_DEATH_S = 5.0
LONGEST_PAUSE_S = 30.0
KILL_AFTER_GRACE_S = 20.0


class Child:
    """One command that runs as long as the group."""

    def __init__(self, name: str, command: Sequence[str]) -> None:
        self.name = name
        self.command = list(command)
        self.process: subprocess.Popen[bytes] | None = None
        self.started_s = 0.0
        self.start_again_s = 0.0
        self.pause_s = 0.0

    def keep_running(self, now_s: float) -> None:
        """Start the command unless it runs. While it keeps dying young, the pause before each start doubles."""
        if self.process is not None and self.process.poll() is None:
            return
        if self.process is not None:
            self._note_end(now_s)
        if now_s >= self.start_again_s:
            self._start(now_s)

    def _start(self, now_s: float) -> None:
        try:
            self.process = subprocess.Popen(self.command, preexec_fn=die_with_parent)
            self.started_s = now_s
        except (OSError, subprocess.SubprocessError) as error:  # the system is out of memory, or of processes
            self._pause(now_s, is_young=True)
            log.error("%s could not start (%s); the next try is in %s s", self.name, error, self.pause_s)

    def _pause(self, now_s: float, is_young: bool) -> None:
        self.pause_s = min(max(1.0, self.pause_s * 2), LONGEST_PAUSE_S) if is_young else 0.5
        self.start_again_s = now_s + self.pause_s

    def _note_end(self, now_s: float) -> None:
        assert self.process is not None
        self._pause(now_s, is_young=now_s - self.started_s < QUICK_DEATH_S)
        log.error("%s ended with code %s; starts again in %s s", self.name, self.process.returncode, self.pause_s)
        self.process = None

    def signal(self, signum: int) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signum)

    def end_within(self, limit_s: float) -> int:
        """Wait until it ends, kill it after `limit_s`; returns the exit code."""
        if self.process is None:
            return 0
        try:
            return self.process.wait(max(0.1, limit_s))
        except subprocess.TimeoutExpired:
            log.error("%s did not end in time and is killed; its leases bring its jobs back", self.name)
            self.process.kill()
            return self.process.wait(10)


def supervise(children: Sequence[Child], grace_s: float, *besides: Callable[[], None]) -> int:
    """Keep the children running until SIGTERM or SIGINT; a second signal ends them at once. Each of `besides` is called
    every LOOK_EVERY_S; it must neither wait nor fail."""
    stop, signals = Flag(), StopSignals()

    def on_signal(_signum: int, _frame: FrameType | None) -> None:
        if signals.is_second():
            for child in children:
                child.signal(AT_ONCE)
                child.signal(signal.SIGTERM)  # after AT_ONCE alone, Dramatiq would restart
        stop.set()

    for signum in (signal.SIGTERM, signal.SIGINT):
        signal.signal(signum, on_signal)
    while not stop.is_set():
        _look(children, besides)
        stop.wait(LOOK_EVERY_S)
    give_up_s = time.monotonic() + grace_s + KILL_AFTER_GRACE_S
    for child in children:
        child.signal(signal.SIGTERM)
    codes = [child.end_within(give_up_s - time.monotonic()) for child in children]
    # A child may get the signal again when it has almost ended and no longer handles signals.
    return max(0 if code in (-signal.SIGTERM, -AT_ONCE) else abs(code) for code in codes)


def _look(children: Sequence[Child], besides: Sequence[Callable[[], None]]) -> None:
    for child in children:
        child.keep_running(time.monotonic())
    for each in besides:
        each()
