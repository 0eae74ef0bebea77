"""Keeps claims whose commit was not answered, and gives them back as soon as the database answers.

Such a claim was granted or not. If it was, nobody would send its jobs before their leases end, and their worker would
count as lost. So their ids are kept with the fence, which is drawn before the transaction, until the claim is given
back.
"""

import logging
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from models.database.connection import Unreachable as DatabaseUnreachable
from models.jobs import lifecycle

log = logging.getLogger("booper.delivery")


class UnknownClaims:
    """Any thread may `claim`, and `settle` while it is connected to the database."""

    def __init__(self) -> None:
        self._jobs: dict[int, list[int]] = {}  # ids of jobs by the fence of their claim
        self._lock = threading.Lock()

    @contextmanager
    def claiming(self, ids: Sequence[int]) -> Iterator[int]:
        """A fence for a claim of these jobs, which the block makes and commits."""
        claim_id = lifecycle.new_claim_id()
        try:
            yield claim_id
        except DatabaseUnreachable:
            with self._lock:
                self._jobs[claim_id] = list(ids)
            raise

    def settle(self) -> None:
        """Give back what was claimed. Keeps jobs that another session holds: the database may be about to commit."""
        if not self._jobs:
            return
        with self._lock:
            claims = dict(self._jobs)
        for claim_id, ids in claims.items():
            held = lifecycle.give_back_unknown(ids, claim_id)
            with self._lock:
                if held:
                    self._jobs[claim_id] = held
                elif self._jobs.pop(claim_id, None):
                    log.info("a claim whose commit was not answered is given back, if it was granted: %s", ids[:20])
