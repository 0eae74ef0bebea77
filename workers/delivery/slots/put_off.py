"""Remembers the jobs that this process put off for want of a slot, and has them claimed as slots become free.

A slow target gives its slots back seconds before a snoozed job returns by itself, and half of them stood empty. What
waits stays in the table. What is remembered here is a hint: who claims looks whether the job is still snoozed as this
process left it. A job that is forgotten returns when its time is over.

Jobs of one account and one host find the same room; here they are of one kind. The kinds take turns, so a slow host
keeps no slot from another one of its account. One thread looks, and one lock guards what is remembered. It is not held
during a claim, so a job that is put off again meanwhile is remembered as it is now.
"""

import logging
import threading
from collections.abc import Callable, Collection, Iterable, Sequence
from itertools import islice
from typing import NamedTuple

from models.database.connection import Unreachable as DatabaseUnreachable
from models.jobs.job_ref import JobRef

log = logging.getLogger("booper.delivery")
KEPT = 20_000  # jobs, which take some 6 MB
KEPT_OF_KIND = 5_000
LOOK_EVERY_S = 0.05
DATABASE_PAUSE_S = 0.5
KINDS_AT_ONCE = 50
AT_ONCE = 20  # of a kind and turn: a claim that has to wait holds up the other kinds
TURNS_AT_ONCE = 50
_JOIN_S = 5.0

Kind = tuple[int | str, ...]


class SnoozedJob(NamedTuple):
    """A job, and until when this process snoozed it."""

    ref: JobRef
    until: int


class PutOff:
    """`start`, then `remember` in any thread, then `stop`, which joins the thread.

    `claim` gets jobs of one kind, and returns those for which there was no slot."""

    def __init__(self, claim: Callable[[Sequence[SnoozedJob]], Collection[SnoozedJob]]) -> None:
        self._claim = claim
        self._kinds: dict[Kind, dict[int, SnoozedJob]] = {}  # by the id of the job; oldest first
        self._kept = 0
        self._lock = threading.Lock()
        self._has_some, self._closed = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._work, name="put-off", daemon=True)

    def start(self) -> None:
        """Start the thread. Raises RuntimeError when the system gives none."""
        self._thread.start()

    def remember(self, jobs: Iterable[SnoozedJob]) -> None:
        """Have these jobs claimed as soon as there are slots for them. Where there is no room for more, the oldest are
        forgotten: messages name them soonest."""
        with self._lock:
            for job in jobs:
                alike = self._kinds.setdefault(job.ref[1:], {})
                self._kept += job.ref.id not in alike
                alike[job.ref.id] = job
                if len(alike) > KEPT_OF_KIND:
                    self._forget_oldest(alike)
                elif self._kept > KEPT:
                    self._forget_oldest(next(filter(None, self._kinds.values())))
            if self._kinds:
                self._has_some.set()

    def close(self) -> None:
        """Begin no other claim."""
        self._closed.set()
        self._has_some.set()

    def stop(self) -> None:
        self.close()
        if self._thread.is_alive():
            self._thread.join(_JOIN_S)

    def look(self) -> bool:
        """Have those claimed for which there are slots now, a few of each kind in turn; False if the database is gone.

        The kind that came first comes last the next time. If there are more kinds than one look takes, all those that
        it took come last."""
        with self._lock:
            kinds = list(islice(self._kinds, KINDS_AT_ONCE))
        turns = 0
        try:
            while kinds and turns < TURNS_AT_ONCE and not self._closed.is_set():
                kinds, turns = [kind for kind in kinds if self._claims_all(kind)], turns + 1
        except DatabaseUnreachable as error:
            log.warning("database gone (%s): %d jobs that were put off wait on", error, self._kept)
            return False
        finally:
            self._end_look()
        return True

    def _work(self) -> None:
        while not self._closed.is_set():
            self._has_some.wait()
            self._closed.wait(LOOK_EVERY_S)
            if not self.look():
                self._closed.wait(DATABASE_PAUSE_S)

    def _claims_all(self, kind: Kind) -> bool:
        """Have the oldest jobs of this kind claimed, AT_ONCE at most; whether all of them got slots."""
        chosen = self._oldest(kind)
        if not chosen or self._closed.is_set():
            return False
        try:
            left = self._claim(chosen)
        except DatabaseUnreachable:
            raise
        except Exception:
            log.exception("%d jobs that were put off could not be claimed: they return by themselves", len(chosen))
            left = []
        with self._lock:
            for job in {*chosen}.difference(left):
                self._forget(kind, job)
        return not left

    def _oldest(self, kind: Kind) -> list[SnoozedJob]:
        with self._lock:
            return list(islice(self._kinds[kind].values(), AT_ONCE))

    def _forget(self, kind: Kind, job: SnoozedJob) -> None:
        if self._kinds[kind].get(job.ref.id) == job:
            del self._kinds[kind][job.ref.id]
            self._kept -= 1

    def _forget_oldest(self, alike: dict[int, SnoozedJob]) -> None:
        del alike[next(iter(alike))]
        self._kept -= 1

    def _end_look(self) -> None:
        """Put the kinds last that came first, and forget those without jobs."""
        with self._lock:
            looked_at = list(islice(self._kinds, KINDS_AT_ONCE))
            for kind in looked_at if len(self._kinds) > KINDS_AT_ONCE else looked_at[:1]:
                self._kinds[kind] = self._kinds.pop(kind)
            self._kinds = {kind: alike for kind, alike in self._kinds.items() if alike}
            if not self._kinds and not self._closed.is_set():
                self._has_some.clear()
