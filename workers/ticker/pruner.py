"""Deletes what is kept no longer: final jobs with their attempts, log entries and labels, responses kept for repeated
requests, windows of orders that count once, firings, closed incidents, and sessions whose cookies have expired.

Jobs are deleted in a sweep over the table in the order of ids. Its small steps run between the stager's rounds with
rests (workers/ticker/throttle.py), so that neither staging nor a create waits for it. A sweep ends at jobs that are too
young, and the next begins after SWEEP_EVERY_US. The place of the sweep is in memory: a new leader begins again.
"""

import logging
from collections.abc import Callable, Mapping

from models.accounts import session_store
from models.alerts import incident_store
from models.jobs import dedup_windows, idempotent_requests, lifecycle
from models.operations import acks
from models.rules.clock import MINUTE, SECOND
from models.schedules import firing_rows
from workers.ticker.throttle import Throttle, steady_us

log = logging.getLogger("booper.pruner")
SWEEP_EVERY_US = 10 * MINUTE
RESPONSES_EVERY_US = 10 * SECOND


class Pruner:
    """`kept_us`: how long jobs of each final state are kept; those of an absent state are kept forever.
    `firings_kept_us`: the same for firings and closed incidents; 0 keeps them forever. `steady`: as in throttle.py."""

    def __init__(
        self, kept_us: Mapping[str, int], steady: Callable[[], int] = steady_us, firings_kept_us: int = 0
    ) -> None:
        self._kept_us = kept_us
        self._firings_kept_us = firings_kept_us
        self._jobs, self._responses = Throttle(steady), Throttle(steady)
        self._firings, self._sessions, self._windows = Throttle(steady), Throttle(steady), Throttle(steady)
        self._acks, self._incidents = Throttle(steady), Throttle(steady)
        self._after_id = self._pruned = 0
        self._next_sweep_at = self._next_responses_at = 0

    def prune_jobs(self, now: int) -> int:
        """The next step of the sweep, if one is due; returns how many jobs were deleted."""
        if not self._kept_us or now < self._next_sweep_at:
            return 0
        return self._jobs.step(lambda rows: self._sweep(rows, now))

    def prune_responses(self, now: int) -> int:
        """Delete some expired responses to repeated requests, if a step is due; returns how many."""
        if now < self._next_responses_at:
            return 0
        return self._responses.step(lambda rows: self._prune_responses(rows, now))

    def prune_windows(self, now: int) -> int:
        """Delete some of the windows that have expired; returns how many."""
        return self._windows.step(lambda rows: dedup_windows.prune(rows, now))

    def prune_firings(self, now: int) -> int:
        """Delete some of the firings that are older than they are kept; returns how many."""
        if not self._firings_kept_us:
            return 0
        return self._firings.step(lambda rows: firing_rows.prune(now - self._firings_kept_us, rows))

    def prune_incidents(self, now: int) -> int:
        """Delete some of the incidents that closed longer ago than firings are kept; returns how many."""
        if not self._firings_kept_us:
            return 0
        return self._incidents.step(lambda rows: incident_store.prune(now - self._firings_kept_us, rows))

    def prune_acks(self, now: int) -> int:
        """Delete some of the acknowledgements that nobody may ask about any more; returns how many."""
        return self._acks.step(lambda rows: acks.prune(rows, now))

    def prune_sessions(self, now: int) -> int:
        """Delete some of the ended sessions whose cookies have expired; returns how many."""
        return self._sessions.step(lambda rows: session_store.prune(rows, now))

    def _sweep(self, rows: int, now: int) -> int:
        finished_before = {state: now - kept for state, kept in self._kept_us.items()}
        pruned, last_id = lifecycle.prune(self._after_id, finished_before, rows)
        self._pruned += pruned
        self._after_id = last_id or 0
        if last_id is None:
            self._end_sweep(now)
        return pruned

    def _end_sweep(self, now: int) -> None:
        if self._pruned:
            log.info("%d jobs were older than they are kept, and are deleted", self._pruned)
        self._pruned, self._next_sweep_at = 0, now + SWEEP_EVERY_US

    def _prune_responses(self, rows: int, now: int) -> int:
        pruned = idempotent_requests.prune(rows, now)
        if pruned < rows:
            self._next_responses_at = now + RESPONSES_EVERY_US
        return pruned
