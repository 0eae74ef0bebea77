"""Limits how many requests this process has under way at once: in all, for each account and for each host.

One lock guards the counts, and nobody waits for a slot here. A caller takes in one step what is free and asks again
for the rest; two callers that each held a part and waited for more would wait for each other. No account and no host
gets more than its share, so a target that hangs leaves the other slots to its neighbors. Accounts that want the same
slots get equal parts of them. Follow-ups have shares of their own, half as large, and together no more than one share,
so they never delay requests. Long requests hold together no more than one share, and those of one account half of it: a
thousand requests of two hours leave the other slots to what is quick.
"""

import threading
import time
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from models.jobs.job_ref import JobRef

Owner = tuple[int, bool]  # an account, and whether its follow-ups are meant
SWEEP_S = 1.0
WAITS_S = 60.0  # how long a refused account counts as waiting: its jobs may come to other processes meanwhile


class Taken(NamedTuple):
    """Says what came of asking for slots.

    `admitted` got one. `over_share`: their account or host has its share. `no_slot`: every slot is in use.
    """

    admitted: list[JobRef]
    over_share: list[JobRef]
    no_slot: list[JobRef]


class Pool:
    """Counts slots that accounts have in common. Each may hold `most` of them, and those that others wait for only as
    far as its equal part goes."""

    __slots__ = ("_awaited", "_held", "_most", "_waiting", "free", "size")

    def __init__(self, size: int, most: int) -> None:
        self.size, self.free, self._most = size, size, most
        self._held: dict[Owner, int] = {}
        self._waiting: dict[Owner, tuple[int, float]] = {}  # for how many, until when; soonest first
        self._awaited = 0

    def room(self, owner: Owner, now_s: float) -> int:
        """How many more the owner may hold, if they are free; below 0 if it holds more than its part."""
        left = self._most - self._held.get(owner, 0)
        if not (self._waiting and self.is_awaited(now_s)):
            return left
        own, _ = self._waiting.get(owner, (0, 0.0))
        accounts = len(self._waiting) + (owner not in self._waiting)
        part = max(1, self.size // accounts) - self._held.get(owner, 0)
        return min(left, max(part, self.free - (self._awaited - own)))

    def take(self, owner: Owner, count: int, refused: int, now_s: float) -> None:
        """Count so many more that the owner holds. If it was refused some because of this pool, it waits for them."""
        if count:
            self.free -= count
            self._held[owner] = self._held.get(owner, 0) + count
        is_full = refused and min(self.room(owner, now_s), self.free) <= 0
        self._note(owner, refused if is_full else 0, now_s)

    def give(self, owner: Owner, count: int) -> None:
        """Count so many fewer that the owner holds."""
        self.free += count
        self._held[owner] -= count
        if not self._held[owner]:
            del self._held[owner]

    def is_awaited(self, now_s: float) -> bool:
        """Whether anybody waits; forgets who has waited too long."""
        while self._waiting and (oldest := next(iter(self._waiting.items())))[1][1] <= now_s:
            self._note(oldest[0], 0, now_s)
        return bool(self._waiting)

    def _note(self, owner: Owner, refused: int, now_s: float) -> None:
        if owner in self._waiting:
            self._awaited -= self._waiting.pop(owner)[0]
        if refused:
            self._awaited += refused
            self._waiting[owner] = refused, now_s + WAITS_S


class Slots:
    """Gives slots to jobs. `share`: the part of the slots that one account, or one host, may hold. `now_s`: monotonic
    seconds."""

    def __init__(self, size: int, share: float) -> None:
        self.size = size
        self._share = max(1, int(size * share))
        self._half = max(1, self._share // 2)
        self._all = Pool(size, self._share)
        self._follow_ups = Pool(self._share, self._half)
        self._long = Pool(self._share, self._half)
        self._hosts: dict[tuple[str, bool], Pool] = {}
        self._next_sweep_s = 0.0
        self._closed = False
        self._lock = threading.Lock()

    def take(self, jobs: Sequence[JobRef], now_s: float | None = None) -> Taken:
        """Slots for as many of the jobs as possible."""
        now_s = time.monotonic() if now_s is None else now_s
        taken = Taken([], [], [])
        with self._lock:
            if self._closed:
                return taken._replace(no_slot=list(jobs))
            for alike in _alike(jobs):
                self._sort(alike, taken, now_s)
            self._forget_hosts(now_s)
        return taken

    def give(self, jobs: Iterable[JobRef]) -> None:
        """Put the slots of these jobs back."""
        with self._lock:
            for job, *others in _alike(jobs):
                for pool in self._pools(job):
                    pool.give(_owner(job), 1 + len(others))

    def exchange(self, named: Sequence[JobRef], moved: Sequence[JobRef]) -> None:
        """Put the slots of the first jobs back and take those of the others, whatever the shares are."""
        with self._lock:
            for job in named:
                for pool in self._pools(job):
                    pool.give(_owner(job), 1)
            for job in moved:
                for pool in self._pools(job):
                    pool.take(_owner(job), 1, 0, time.monotonic())

    def close(self) -> None:
        """Give out no more."""
        with self._lock:
            self._closed = True

    @property
    def in_use(self) -> int:
        with self._lock:
            return self.size - self._all.free

    def _sort(self, jobs: list[JobRef], taken: Taken, now_s: float) -> None:
        """Slots for jobs of one account and host."""
        owner, pools = _owner(jobs[0]), self._pools(jobs[0])
        shares = [pool.room(owner, now_s) for pool in pools] + [pool.free for pool in pools[1:]]
        share = max(0, min(shares))
        count = min(share, self._all.free, len(jobs))
        for pool in pools:
            pool.take(owner, count, len(jobs) - count, now_s)
        taken.admitted.extend(jobs[:count])
        (taken.over_share if count == share else taken.no_slot).extend(jobs[count:])

    def _pools(self, job: JobRef) -> list[Pool]:
        """The pools that a job takes a slot of."""
        key = job.host, job.is_follow_up
        if key not in self._hosts:
            share = self._half if job.is_follow_up else self._share
            self._hosts[key] = Pool(share, share)
        pools = [self._all, self._hosts[key]]
        if job.is_follow_up:
            pools.append(self._follow_ups)
        if job.is_long:
            pools.append(self._long)
        return pools

    def _forget_hosts(self, now_s: float) -> None:
        """Forget hosts of which nothing is held: each host ever met would take memory."""
        if now_s >= self._next_sweep_s:
            self._next_sweep_s = now_s + SWEEP_S
            self._hosts = {
                key: pool for key, pool in self._hosts.items() if pool.free < pool.size or pool.is_awaited(now_s)
            }


def _owner(job: JobRef) -> Owner:
    return job.account_id, job.is_follow_up


def _alike(jobs: Iterable[JobRef]) -> Iterable[list[JobRef]]:
    """The jobs by account and host: they find the same room, and a message often names a hundred of one kind."""
    kinds: dict[tuple[int | str, ...], list[JobRef]] = {}
    for job in jobs:
        kinds.setdefault(job[1:], []).append(job)
    return kinds.values()
