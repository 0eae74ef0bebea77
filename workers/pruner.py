"""Owns the forgetting: final jobs older than they are to be kept go, with their attempts and log entries.

An hourly sweep over the table in the order of ids, a few hundred rows at a time between the stager's rounds, so that
neither staging nor a create waits for it. The place of the sweep is in memory: a new leader begins again.
"""

import logging
from collections.abc import Mapping

from models import firings, lifecycle
from models.clock import HOUR

log = logging.getLogger("booper.pruner")
ROWS_AT_ONCE = 500


class Pruner:
    """`kept_us`: for each final state how long its jobs are kept; states not in it are kept for ever.
    `firings_kept_us`: the same for what came of schedules' instants; 0 keeps it for ever."""

    def __init__(self, kept_us: Mapping[str, int], firings_kept_us: int = 0) -> None:
        self._kept_us = kept_us
        self._firings_kept_us = firings_kept_us
        self._after_id = 0
        self._pruned = 0
        self._next_sweep_at = 0

    def prune_some(self, now: int) -> int:
        """The next step of the sweep, if it is time for one; returns how many jobs were deleted."""
        if not self._kept_us or now < self._next_sweep_at:
            return 0
        finished_before = {state: now - kept for state, kept in self._kept_us.items()}
        pruned, last_id = lifecycle.prune(self._after_id, finished_before, ROWS_AT_ONCE)
        self._pruned += pruned
        if last_id is None:
            self._end_sweep(now)
        else:
            self._after_id = last_id
        return pruned

    def forget_firings(self, now: int) -> int:
        """Delete some of the rows that are older than they are kept; returns how many."""
        return firings.prune(now - self._firings_kept_us, ROWS_AT_ONCE) if self._firings_kept_us else 0

    def _end_sweep(self, now: int) -> None:
        if self._pruned:
            log.info("%d jobs were older than they are kept, and are gone", self._pruned)
        self._after_id, self._pruned, self._next_sweep_at = 0, 0, now + HOUR
