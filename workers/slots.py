"""Owns how many requests this process may have under way at once, in all and for one account or host.

One lock over the counts. A caller takes as many slots as are to be had in one step: two callers that each held a part
and waited for the rest would wait for one another. No account and no host gets more than its share, so targets that
hang leave the other slots to their neighbours.
"""

import threading
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import NamedTuple

Named = tuple[int, int, str]  # a job as a message names it: its id, its account's id, its target's host


class Taken(NamedTuple):
    """What came of asking for slots: jobs that got one, jobs whose share is used up, jobs still to ask for."""

    admitted: list[Named]
    held: list[Named]
    rest: list[Named]


class Slots:
    def __init__(self, size: int, share: float) -> None:
        self.size = size
        self._cap = max(1, int(size * share))
        self._free = size
        self._used: Counter[int | str] = Counter()  # by account id and by host
        self._closed = False
        self._changed = threading.Condition()

    def take(self, jobs: Sequence[Named], timeout_s: float) -> Taken:
        """Slots for as many of the jobs as possible, as soon as one is free.

        When none came free in time, or the slots are closed, all jobs are in `rest`.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._free or self._closed, max(0.0, timeout_s))
            taken = Taken([], [], [])
            for job in jobs:
                self._sort(job, taken)
            return taken

    def give(self, jobs: Iterable[Named]) -> None:
        """Put the slots of these jobs back."""
        with self._changed:
            for _, account_id, host in jobs:
                self._free += 1
                self._count(account_id, -1)
                self._count(host, -1)
            self._changed.notify_all()

    def close(self) -> None:
        """Give out no more; whoever waits gets none."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    @property
    def in_use(self) -> int:
        with self._changed:
            return self.size - self._free

    def _sort(self, job: Named, taken: Taken) -> None:
        _, account_id, host = job
        if self._closed or not self._free:
            taken.rest.append(job)
        elif max(self._used[account_id], self._used[host]) >= self._cap:
            taken.held.append(job)
        else:
            self._free -= 1
            self._count(account_id, 1)
            self._count(host, 1)
            taken.admitted.append(job)

    def _count(self, key: int | str, by: int) -> None:
        self._used[key] += by
        if not self._used[key]:
            del self._used[key]
