"""Owns the forgetting: final jobs older than they are to be kept go, with their attempts, log entries and labels, and
so do the answers kept for repeated requests, and the sessions whose cookies have grown too old.

Jobs go in a sweep over the table in the order of ids, in small steps between the stager's rounds and with rests
(workers/ticker/throttle.py), so that neither staging nor a create waits for it. A sweep ends at jobs made too late to
be old, and begins again after SWEEP_EVERY_US. The place of the sweep is in memory: a new leader begins again.
"""

import logging
from collections.abc import Callable, Mapping

from models.accounts import session_store
from models.jobs import idempotent_requests, lifecycle
from models.rules.clock import MINUTE, SECOND
from models.schedules import firing_rows
from workers.ticker.throttle import Pace, steady_us

log = logging.getLogger("booper.pruner")
SWEEP_EVERY_US = 10 * MINUTE
ANSWERS_EVERY_US = 10 * SECOND


class Pruner:
    """`kept_us`: for each final state how long its jobs are kept; states not in it are kept for ever.
    `firings_kept_us`: the same for what came of schedules' instants; 0 keeps it for ever. `steady` as in
    workers/ticker/throttle.py."""

    def __init__(
        self, kept_us: Mapping[str, int], steady: Callable[[], int] = steady_us, firings_kept_us: int = 0
    ) -> None:
        self._firings_kept_us = firings_kept_us
        self._kept_us = kept_us
        self._job_pace, self._answer_pace, self._firing_pace = Pace(steady), Pace(steady), Pace(steady)
        self._session_pace = Pace(steady)
        self._after_id = self._pruned = 0
        self._next_sweep_at = self._next_answers_at = 0

    def prune_some(self, now: int) -> int:
        """The next step of the sweep, if it is time for one; returns how many jobs were deleted."""
        if not self._kept_us or now < self._next_sweep_at:
            return 0
        return self._job_pace.step(lambda rows: self._sweep(rows, now))

    def forget_answers(self, now: int) -> int:
        """Delete some answers kept for repeated requests whose time is over, if it is time to; returns how many."""
        if now < self._next_answers_at:
            return 0
        return self._answer_pace.step(lambda rows: self._forget(rows, now))

    def _sweep(self, rows: int, now: int) -> int:
        finished_before = {state: now - kept for state, kept in self._kept_us.items()}
        pruned, last_id = lifecycle.prune(self._after_id, finished_before, rows)
        self._pruned += pruned
        self._after_id = last_id or 0
        if last_id is None:
            self._end_sweep(now)
        return pruned

    def forget_firings(self, now: int) -> int:
        """Delete some of the rows that are older than they are kept; returns how many."""
        if not self._firings_kept_us:
            return 0
        return self._firing_pace.step(lambda rows: firing_rows.prune(now - self._firings_kept_us, rows))

    def forget_sessions(self, now: int) -> int:
        """Delete some of the rows of sessions that are over by themselves; returns how many."""
        return self._session_pace.step(lambda rows: session_store.prune(rows, now))

    def _end_sweep(self, now: int) -> None:
        if self._pruned:
            log.info("%d jobs were older than they are kept, and are gone", self._pruned)
        self._pruned, self._next_sweep_at = 0, now + SWEEP_EVERY_US

    def _forget(self, rows: int, now: int) -> int:
        forgotten = idempotent_requests.prune(rows, now)
        if forgotten < rows:
            self._next_answers_at = now + ANSWERS_EVERY_US
        return forgotten
