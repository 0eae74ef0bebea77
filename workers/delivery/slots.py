"""Slots: limits how many requests this process has under way at once, in all and for each account or host.

One lock guards the counts, and nobody waits for a slot here. A caller takes in one step what is free and asks again
for the rest; two callers that each held a part and waited for more would wait for each other. No account and no host
gets more than its share, so a target that hangs or is slow leaves the other slots to its neighbors. Follow-ups have
shares of their own, half as large, and together no more than one share, so they never delay requests. A message waits
for a full share only while that comes free quickly, because a waiting message holds a thread that others need.
"""

import random
import threading
import time
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from models.jobs.job_ref import JobRef

Key = tuple[str, int | str]  # what shares a part of the slots, and which
ACCOUNT, HOST = "account", "host"
FOLLOW_UPS_ACCOUNT, FOLLOW_UPS_HOST = "account of follow-ups", "host of follow-ups"
FOLLOW_UPS: Key = ("follow-ups", "")  # all of them together
STUCK_AFTER_S = 0.2
SLOW_GAP_S = 0.01  # a share that comes free less often than this is slow
WEIGHT = 0.05  # of the newest gap in the mean
LONGEST_TURN_S = 60.0  # nothing is known of a target for longer
AGAIN = 0.25, 0.75  # of the time that a share was silent: how much longer it is expected to be


class Taken(NamedTuple):
    """What came of asking for slots.

    `admitted` got one. `stuck`: their account or host has its share, and little or none of it comes free.
    `rest`: no slot just now, but soon.
    """

    admitted: list[JobRef]
    stuck: list[JobRef]
    rest: list[JobRef]


class Share:
    """What one account or host holds; `given_s`: when a part of it last came free; `gap_s`: mean time between two;
    `turn_s`: when one should come free for the last of those put off."""

    __slots__ = ("gap_s", "given_s", "gives", "held", "turn_s")

    def __init__(self, now_s: float) -> None:
        self.held = self.gives = 0
        self.given_s = self.turn_s = now_s
        self.gap_s = 0.0

    def give(self, now_s: float) -> None:
        self.held -= 1
        if self.gives:
            self.gap_s += max(WEIGHT, 1 / self.gives) * (now_s - self.given_s - self.gap_s)
        self.gives += 1
        self.given_s = now_s

    def is_slow(self, now_s: float) -> bool:
        return self.gap_s > SLOW_GAP_S or now_s - self.given_s > STUCK_AFTER_S

    def next_turn(self, now_s: float) -> float:
        """Seconds until a part of it should come free for one more job: at the pace known so far, and, of one that has
        been silent for a while, not before half of that while again. Spread, so that jobs don't return as one."""
        self.turn_s = min(max(self.turn_s, now_s) + self.gap_s, now_s + LONGEST_TURN_S)
        at_least_s = random.uniform(*AGAIN) * min(now_s - self.given_s, LONGEST_TURN_S)
        wait_s = self.turn_s - now_s
        return max(wait_s if wait_s < LONGEST_TURN_S else random.uniform(*AGAIN) * LONGEST_TURN_S, at_least_s)


class Slots:
    def __init__(self, size: int, share: float) -> None:
        self.size = size
        self._cap = max(1, int(size * share))
        self._half_cap = max(1, self._cap // 2)
        self._free = size
        self._shares: dict[Key, Share] = {}
        self._closed = False
        self._lock = threading.Lock()

    def take(self, jobs: Sequence[JobRef], now_s: float | None = None) -> Taken:
        """Slots for as many of the jobs as possible. `now_s`: monotonic seconds."""
        now_s = time.monotonic() if now_s is None else now_s
        taken = Taken([], [], [])
        with self._lock:
            for alike in _alike(jobs):
                self._sort(alike, taken, now_s)
        return taken

    def turns(self, jobs: Sequence[JobRef], now_s: float | None = None) -> list[float]:
        """For each of the stuck jobs the seconds until a slot should be free for it: one after another, as quickly as
        those of its slowest share have come free."""
        now_s = time.monotonic() if now_s is None else now_s
        with self._lock:
            return [self._next_turn(keys_of(job), now_s) for job in jobs]

    def give(self, jobs: Iterable[JobRef], now_s: float | None = None) -> None:
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

    def _sort(self, jobs: list[JobRef], taken: Taken, now_s: float) -> None:
        """Slots for jobs of one account and host. A share is only made where one of its slots is taken."""
        keys = keys_of(jobs[0])
        room = 0 if self._closed else min([self._free, *map(self._room, keys)])
        admitted, left = jobs[:room], jobs[room:]
        if admitted:
            self._free -= len(admitted)
            for key in keys:
                self._shares.setdefault(key, Share(now_s)).held += len(admitted)
            taken.admitted.extend(admitted)
        if left:
            (taken.stuck if self._is_stuck(keys, now_s) else taken.rest).extend(left)

    def _room(self, key: Key) -> int:
        """How many more slots this share may hold."""
        share = self._shares.get(key)
        cap = self._half_cap if key[0] in (FOLLOW_UPS_ACCOUNT, FOLLOW_UPS_HOST) else self._cap
        return cap - (share.held if share else 0)

    def _is_stuck(self, keys: Sequence[Key], now_s: float) -> bool:
        """Whether one of their shares is full, and slow if it is worth waiting for at all: follow-ups never hold a
        thread that requests need."""
        return not self._closed and any(FOLLOW_UPS in keys or share.is_slow(now_s) for share in self._full(keys))

    def _full(self, keys: Sequence[Key]) -> list[Share]:
        """Those of the shares that have no slot left."""
        return [share for key in keys if (share := self._shares.get(key)) and self._room(key) <= 0]

    def _next_turn(self, keys: Sequence[Key], now_s: float) -> float:
        full = self._full(keys)
        return max(full, key=lambda share: share.gap_s).next_turn(now_s) if full else 0.0

    def _give(self, job: JobRef, now_s: float) -> None:
        self._free += 1
        for key in keys_of(job):
            share = self._shares[key]
            share.give(now_s)
            if not share.held:
                del self._shares[key]


def keys_of(job: JobRef) -> tuple[Key, ...]:
    """The shares that a job takes part of."""
    if job.is_follow_up:
        return ((FOLLOW_UPS_ACCOUNT, job.account_id), (FOLLOW_UPS_HOST, job.host), FOLLOW_UPS)
    return ((ACCOUNT, job.account_id), (HOST, job.host))


def _alike(jobs: Iterable[JobRef]) -> Iterable[list[JobRef]]:
    """The jobs by account and host: they find the same room, and a message often names a hundred of one kind."""
    kinds: dict[tuple[int | str, ...], list[JobRef]] = {}
    for job in jobs:
        kinds.setdefault(job[1:], []).append(job)
    return kinds.values()
