"""Works off the operations of all accounts: a chunk of one account's, then of the next's.

Chunks are small and rest in between (workers/ticker/throttle.py), so that neither staging nor another session waits
for them. What is done stands in the operation's row; what is in memory here only saves looks: a new leader begins
again.
"""

import logging
from collections.abc import Callable

from models.database.connection import Unreachable
from models.operations import bulk, operation_store
from models.rules.clock import MILLISECOND, MINUTE, SECOND
from workers.ticker.throttle import Throttle, steady_us

log = logging.getLogger("booper.operations")
MIN_ROWS, MAX_ROWS = 100, 500  # of a chunk; on a busy machine smaller ones would take as long
STEP_US = 20 * MILLISECOND  # the statements of a chunk take 8 ms of it, however few its rows
REST_TIMES = 8  # with five, jobs that fell due meanwhile were sent a quarter later at p99
LOOK_EVERY_US = 250 * MILLISECOND  # while nothing is to be done
STUCK_US = SECOND  # after a turn that found all jobs held by others
FAILED_US = MINUTE


class BulkTurns:
    """`steady`: as in workers/ticker/throttle.py."""

    def __init__(self, steady: Callable[[], int] = steady_us) -> None:
        self._throttle = Throttle(steady, STEP_US, MIN_ROWS, REST_TIMES)
        self._account_id = 0  # whose turn it was
        self._next_look_at = 0
        self._resting: dict[int, int] = {}  # until when an operation is left alone

    def work_off(self, now: int) -> int:
        """The next chunk, if one is due; returns how many jobs were handled."""
        if now < self._next_look_at:
            return 0
        return self._throttle.step(lambda rows: self._take_turn(min(rows, MAX_ROWS), now))

    def _take_turn(self, rows: int, now: int) -> int:
        self._resting = {key: until for key, until in self._resting.items() if until > now}
        operation = operation_store.next_running(self._account_id, self._resting)
        if operation is None:
            self._next_look_at = now + LOOK_EVERY_US
            return 0
        self._account_id = operation.account_id
        try:
            turn = bulk.take_turn(operation.id, rows, now)
        except Unreachable:
            raise
        except Exception:
            log.exception("operation %d failed; the next try is in a minute, others go on", operation.id)
            self._resting[operation.id] = now + FAILED_US
            return 0
        if turn.is_stuck:
            self._resting[operation.id] = now + STUCK_US
        return turn.jobs
