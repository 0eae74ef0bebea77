"""Owns how many requests this process may have under way at once, in all and for one account or host.

One lock over the counts; nobody waits here: a caller takes in one step what is to be had and asks again for the rest.
(Two callers that each held a part and waited for more would wait for one another.) No account and no host gets more
than its share, so targets that hang or dawdle leave the other slots to their neighbours. Follow-ups have shares of
their own, half as large, and no more than one share all together: who is told of jobs never slows the jobs. A full
share is worth waiting for only while it comes free quickly: who waits holds a thread that others need.
"""

import threading
import time
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from models.lifecycle import Named

Key = int | str  # an account's id (negated for its follow-ups) or a host
FOLLOW_UPS = "\nfollow-ups"  # no host's name: all of them together
STUCK_AFTER_S = 0.2
SLOW_GAP_S = 0.01  # a share that comes free less often than this is slow
WEIGHT = 0.05  # of the newest gap in the mean


class Taken(NamedTuple):
    """What came of asking for slots.

    `admitted` got one. `stuck`: their account or host has its share, and little or none of it comes free.
    `rest`: no slot just now, but soon.
    """

    admitted: list[Named]
    stuck: list[Named]
    rest: list[Named]


class Share:
    """What one account or host holds; `given_s`: when a part of it last came free; `gap_s`: mean time between two."""

    __slots__ = ("gap_s", "given_s", "held")

    def __init__(self, now_s: float) -> None:
        self.held = 0
        self.given_s = now_s
        self.gap_s = 0.0

    def give(self, now_s: float) -> None:
        self.held -= 1
        self.gap_s += WEIGHT * (now_s - self.given_s - self.gap_s)
        self.given_s = now_s

    def is_slow(self, now_s: float) -> bool:
        return self.gap_s > SLOW_GAP_S or now_s - self.given_s > STUCK_AFTER_S


class Slots:
    def __init__(self, size: int, share: float) -> None:
        self.size = size
        self._cap = max(1, int(size * share))
        self._free = size
        self._shares: dict[Key, Share] = {}
        self._closed = False
        self._lock = threading.Lock()

    def take(self, jobs: Sequence[Named], now_s: float | None = None) -> Taken:
        """Slots for as many of the jobs as possible. `now_s`: monotonic seconds."""
        now_s = time.monotonic() if now_s is None else now_s
        taken = Taken([], [], [])
        with self._lock:
            for job in jobs:
                self._sort(job, taken, now_s)
        return taken

    def give(self, jobs: Iterable[Named], now_s: float | None = None) -> None:
        """Put the slots of these jobs back."""
        now_s = time.monotonic() if now_s is None else now_s
        with self._lock:
            for job in jobs:
                self._give(job, now_s)

    def close(self) -> None:
        """Give out no more."""
        with self._lock:
            self._closed = True

    @property
    def in_use(self) -> int:
        with self._lock:
            return self.size - self._free

    def _sort(self, job: Named, taken: Taken, now_s: float) -> None:
        shares = ((self._shares.get(key), cap) for key, cap in self._caps_of(job))
        full = [share for share, cap in shares if share and share.held >= cap]
        if self._closed:
            taken.rest.append(job)
        elif any(share.is_slow(now_s) for share in full):
            taken.stuck.append(job)
        elif full or not self._free:
            taken.rest.append(job)
        else:
            self._free -= 1
            for key, _ in self._caps_of(job):
                self._shares.setdefault(key, Share(now_s)).held += 1
            taken.admitted.append(job)

    def _give(self, job: Named, now_s: float) -> None:
        self._free += 1
        for key, _ in self._caps_of(job):
            share = self._shares[key]
            share.give(now_s)
            if not share.held:
                del self._shares[key]

    def _caps_of(self, job: Named) -> tuple[tuple[Key, int], ...]:
        """The shares that a job takes part of, each with how many slots it may hold."""
        _, account, host = job
        if account >= 0:
            return (account, self._cap), (host, self._cap)
        half = max(1, self._cap // 2)
        return (account, half), (f"{host}{FOLLOW_UPS}", half), (FOLLOW_UPS, self._cap)
