"""Remembers the jobs that this process put off for want of a slot, and has them claimed as slots become free.

A slow target gives its slots back seconds before a snoozed job returns by itself, and half of them stood empty. What
waits stays in the table. What is remembered here is a hint: who claims looks whether the job is still snoozed as this
process left it. A job that is forgotten returns when its time is over.

One thread looks, and one lock guards what is remembered. It is not held during a claim, so a job that is put off again
meanwhile is remembered as it is now.
"""

import logging
import threading
from collections.abc import Callable, Collection, Iterable, Sequence
from itertools import islice
from typing import NamedTuple

from models.database.connection import Unreachable as DatabaseUnreachable
from models.jobs.job_ref import JobRef

log = logging.getLogger("booper.delivery")
KEPT = 10_000  # jobs, which take some 3 MB
LOOK_EVERY_S = 0.05
KINDS_AT_ONCE = 50  # of jobs that find the same room: their account, their host, and whether they are long
AT_ONCE = 100
_JOIN_S = 5.0

Kind = tuple[int | str, ...]


class SnoozedJob(NamedTuple):
    """A job, and until when this process snoozed it."""

    ref: JobRef
    until: int


class PutOff:
    """`start`, then `remember` in any thread, then `stop`, which joins the thread.

    `claim` gets jobs that find the same room, and returns those for which there was no slot."""

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
        """Have these jobs claimed as soon as there are slots for them, as far as KEPT goes."""
        with self._lock:
            for job in islice(jobs, KEPT - self._kept):
                alike = self._kinds.setdefault(job.ref[1:], {})
                self._kept += job.ref.id not in alike
                alike[job.ref.id] = job
        self._has_some.set()

    def close(self) -> None:
        """Begin no other claim."""
        self._closed.set()
        self._has_some.set()

    def stop(self) -> None:
        self.close()
        if self._thread.is_alive():
            self._thread.join(_JOIN_S)

    def look(self) -> None:
        """Have those claimed for which there are slots now, of some kinds; the others come first the next time."""
        with self._lock:
            kinds = list(islice(self._kinds, KINDS_AT_ONCE))
        for kind in kinds:
            while (chosen := self._oldest(kind)) and not self._closed.is_set() and not self._claimed(kind, chosen):
                pass  # all of them got slots, so there may be more
            self._put_last(kind)

    def _work(self) -> None:
        while not self._closed.is_set():
            self._has_some.wait()
            self._closed.wait(LOOK_EVERY_S)
            self.look()

    def _oldest(self, kind: Kind) -> list[SnoozedJob]:
        with self._lock:
            return list(islice(self._kinds[kind].values(), AT_ONCE))

    def _claimed(self, kind: Kind, chosen: Sequence[SnoozedJob]) -> Collection[SnoozedJob]:
        """Those of the jobs that got no slot; the others are forgotten."""
        try:
            left = self._claim(chosen)
        except DatabaseUnreachable as error:
            log.warning("database gone (%s): %d jobs that were put off wait on", error, len(chosen))
            return chosen
        except Exception:
            log.exception("%d jobs that were put off could not be claimed: they return by themselves", len(chosen))
            left = []
        with self._lock:
            for job in {*chosen}.difference(left):
                if self._kinds[kind].get(job.ref.id) == job:
                    del self._kinds[kind][job.ref.id]
                    self._kept -= 1
        return left

    def _put_last(self, kind: Kind) -> None:
        with self._lock:
            alike = self._kinds.pop(kind)
            if alike:
                self._kinds[kind] = alike
            elif not self._kinds:
                self._has_some.clear()
