"""Runs checks side by side, each within a limit: one that hangs or fails becomes a finding, and holds up no other."""

import threading
import time
from collections.abc import Iterator, Sequence

from booper.doctor.finding import ERROR, Check, Finding

JOIN_S = 0.01


def run_checks(checks: Sequence[Check], limit_s: float) -> list[Finding]:
    """What every check finds, in the order of the checks, after at most `limit_s` seconds."""
    running = [_Running(check) for check in checks]
    ends_s = time.monotonic() + limit_s
    return [finding for each in running for finding in each.findings(ends_s, limit_s)]


class _Running:
    """A check on a thread of its own. The thread is a daemon: a call that hangs can't be ended."""

    def __init__(self, check: Check) -> None:
        self._check = check
        self._heard: list[Finding] = []
        self._error: Exception | None = None
        self._thread = threading.Thread(target=self._run, name=f"check of {check.subject}", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        try:
            for finding in self._check.run():
                self._heard.append(finding)
        except Exception as error:  # noqa: BLE001 - whatever is wrong with the machine is a finding
            self._error = error

    def findings(self, ends_s: float, limit_s: float) -> Iterator[Finding]:
        self._thread.join(max(ends_s - time.monotonic(), JOIN_S))
        hangs = self._thread.is_alive()
        yield from list(self._heard)
        if hangs:
            yield Finding(self._check.subject, ERROR, f"no answer within {limit_s:g} s", self._check.trouble)
        elif self._error is not None:
            yield Finding(self._check.subject, ERROR, text_of(self._error), self._check.trouble)


def text_of(error: Exception) -> str:
    """The error in one line."""
    return " ".join(str(error).split()) or repr(error)
