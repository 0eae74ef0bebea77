"""Writes a sending process's heartbeat: that it lives, how many slots are in use, and the statistics of its minutes.

One thread writes every few seconds, beside the hot path; what the recorder counts stays in memory until then. A crash
loses some seconds of statistics and nothing else: jobs and attempts are the record.
"""

import json
import logging
import os
import platform
import threading
from collections.abc import Callable, Iterable
from typing import NamedTuple

from models.database.connection import Unreachable as DatabaseUnreachable
from models.database.connection import connection
from models.database.ids import new_id
from models.operations import heartbeats
from models.operations.heartbeats import MinuteRow, WorkerRow
from models.rules import clock, lateness
from models.rules.clock import MINUTE
from runtime.version import __version__
from workers.delivery.slots.slots import Slots

log = logging.getLogger("booper.heartbeat")
EVERY_S = 5.0
JOIN_LIMIT_S = 5.0
MINUTES_HELD = 17  # an attempt of a minute already dropped would restart its count (recorder.COUNTED_AT_START_US)


class Recorded(NamedTuple):
    """One attempt that was recorded."""

    account_id: int
    attempted_at: int
    lateness_us: int
    completed: bool


class Totals:
    """The statistics of one minute of one account in this process."""

    def __init__(self) -> None:
        self.completed = self.failed = 0
        self.lateness = lateness.empty()
        self.changed = True

    def add(self, attempt: Recorded) -> None:
        if attempt.completed:
            self.completed += 1
        else:
            self.failed += 1
        lateness.add(self.lateness, attempt.lateness_us)
        self.changed = True


class Heartbeat:
    """`start`, then `count` from any thread, then `stop`. No lock is held during a write. `at_beat` is called at each
    beat, connected to the database."""

    def __init__(self, slots: Slots, at_beat: Callable[[], None] = lambda: None) -> None:
        self._slots, self._at_beat = slots, at_beat
        self._id = new_id()
        self._started_at = 0
        self._totals: dict[tuple[int, int], Totals] = {}
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._work, name="heartbeat", daemon=True)

    def start(self) -> None:
        self._started_at = clock.now()
        self._thread.start()

    def stop(self) -> None:
        """Write what is left and remove the worker's row, if the database accepts it in time."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(JOIN_LIMIT_S)

    def count(self, attempts: Iterable[Recorded]) -> None:
        with self._lock:
            for attempt in attempts:
                minute_at = attempt.attempted_at - attempt.attempted_at % MINUTE
                self._totals.setdefault((attempt.account_id, minute_at), Totals()).add(attempt)

    def write(self, now: int) -> None:
        """Write the worker's row and the minutes that changed."""
        heartbeats.record_heartbeat(self._worker(now))
        changed = self._changed()
        if changed:
            heartbeats.record_minutes(changed)
        self._drop_written(changed, now)

    def _work(self) -> None:
        stopping = False
        while not stopping:
            try:
                with connection():
                    self._at_beat()
                    self.write(clock.now())
            except DatabaseUnreachable as error:
                log.debug("no heartbeat written: %s", error)
            except Exception:
                log.exception("no heartbeat written; next try in %s s", EVERY_S)
            stopping = self._stop.wait(EVERY_S)
        self._end()

    def _end(self) -> None:
        try:
            with connection():
                self._at_beat()
                self.write(clock.now())
                heartbeats.remove_worker(self._id)
        except DatabaseUnreachable as error:
            log.debug("the worker's row stays: %s", error)

    def _changed(self) -> list[MinuteRow]:
        """The minutes that changed since they were last written."""
        with self._lock:
            return [
                MinuteRow(*key, self._id, totals.completed, totals.failed, json.dumps(totals.lateness))
                for key, totals in self._totals.items()
                if totals.changed
            ]

    def _drop_written(self, rows: list[MinuteRow], now: int) -> None:
        """Drop minutes that are over and written. What was counted during the write is written next time."""
        with self._lock:
            for row in rows:
                totals = self._totals[row.account_id, row.minute_at]
                totals.changed = (totals.completed, totals.failed) != (row.completed, row.failed)
            over = [
                key
                for key, totals in self._totals.items()
                if not totals.changed and key[1] < now - MINUTES_HELD * MINUTE
            ]
            for key in over:
                del self._totals[key]

    def _worker(self, now: int) -> WorkerRow:
        host, slots = platform.node(), self._slots
        return WorkerRow(self._id, host, os.getpid(), __version__, slots.size, slots.in_use, self._started_at, now)
