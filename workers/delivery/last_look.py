"""Asks the database about late requests: just before they go out whether they are still wanted, and in a flow with a
rate whether there is still room for their starts. A job may have been cancelled while its request waited for a
connection, and the rate counts when a request goes out. Corrects the starts of those that went out a little late.

One thread asks, in groups: all requests that came while it asked for the group before. So the loop never waits, and a
burst costs few queries. Questions and answers pass between the threads in groups too, with one timer each: in a drain
most requests ask. If the database does not answer in time, a request goes out, unless its start has to be counted anew:
then it waits, because a limit would be broken.
"""

import asyncio
import contextlib
import logging
import queue
import threading
import time
from collections.abc import Callable, Collection, Sequence
from typing import Any

from models.database.connection import connection
from models.database.transactions import after_commit, transaction, wait_briefly_for_locks
from models.flows import late_starts, leaving
from models.flows.late_starts import SentJob
from models.jobs import lifecycle
from models.jobs.lifecycle import ClaimedJob
from models.rules import clock
from models.schedules.overlap import release_next_in_turn
from models.webhooks import event_order
from workers.delivery.job_events import subjects_of_events
from workers.transport.deadline import Permission

log = logging.getLogger("booper.senders")
LIMIT_S = 0.5
AT_ONCE = 200
AGAIN_S = 0.2  # what could not be counted is tried again so much later
KEPT = 1000  # corrections while the database does not take them
_JOIN_S = 1.0


class Question:
    """Asks whether the request of a job may go; `count_anew`: only if its start can be counted now. `answer` is called
    once, on the loop."""

    __slots__ = ("_answer", "count_anew", "is_open", "job")

    def __init__(self, job: ClaimedJob, count_anew: bool, answer: Callable[[Permission], object]) -> None:
        self.job, self.count_anew, self._answer, self.is_open = job, count_anew, answer, True

    def close(self, permission: Permission) -> None:
        if self.is_open:
            self.is_open = False
            self._answer(permission)


Group = list[Question | SentJob]


class LastLook:
    """Answers questions in groups: `start`, then `may_go` and `went_late` on the loop, then `stop`."""

    def __init__(self) -> None:
        self._gathered: Group = []  # in this iteration of the loop
        self._waiting: queue.SimpleQueue[Group | None] = queue.SimpleQueue()
        self._loop: asyncio.AbstractEventLoop
        self._thread = threading.Thread(target=self._work, name="last-look", daemon=True)

    def start(self) -> None:
        """Start the thread. Raises RuntimeError when the system gives none."""
        self._thread.start()

    def may_go(self, job: ClaimedJob, count_anew: bool, answer: Callable[[Permission], object]) -> None:
        """Have `answer` called whether the request of this job is still to be sent, and when its start was counted
        anew."""
        self._gather(Question(job, count_anew, answer))

    def went_late(self, job: ClaimedJob) -> None:
        """Note that the request of this job has gone out now, later than its start was counted."""
        self._gather(SentJob(job, clock.now()))

    def stop(self) -> None:
        self._waiting.put(None)
        if self._thread.is_alive():
            self._thread.join(_JOIN_S)

    def _gather(self, each: Question | SentJob) -> None:
        if not self._gathered:
            self._loop = asyncio.get_running_loop()
            self._loop.call_soon(self._hand_over)
        self._gathered.append(each)

    def _hand_over(self) -> None:
        group, self._gathered = self._gathered, []
        self._waiting.put(group)
        cancellable = [each for each in group if isinstance(each, Question) and not each.count_anew]
        if cancellable:
            self._loop.call_later(LIMIT_S, _tell, cancellable, frozenset())

    def _work(self) -> None:
        while (group := self._waiting.get()) is not None:
            while len(group) < AT_ONCE and not self._waiting.empty():
                following = self._waiting.get()
                if following is None:
                    return
                group = group + following
            if left := self._look(group):
                time.sleep(AGAIN_S)
                self._waiting.put(left)

    def _look(self, group: Group) -> Group:
        """Answer the questions and make the corrections of a group; returns those that have to be tried again."""
        questions = [each for each in group if isinstance(each, Question) and each.is_open]
        sent = [each for each in group if isinstance(each, SentJob)]
        corrected = _tried(late_starts.correct, sent, "starts are corrected later")
        gone = _tried(withdraw_cancelled, jobs_of(questions), "requests go out although they may be cancelled") or set()
        self._answer([each for each in questions if not each.count_anew or each.job.id in gone], gone)
        late = [each for each in questions if each.count_anew and each.job.id not in gone]
        counted_ns = time.monotonic_ns() + late_starts.LEAVES_IN_US * 1000
        refused = _tried(late_starts.count_anew, jobs_of(late), "requests wait until their starts are counted")
        if refused is not None:
            self._answer(late, refused, counted_ns)
        return [*(late if refused is None else []), *(sent[-KEPT:] if corrected is None else [])]

    def _answer(self, questions: Sequence[Question], refused: Collection[int], counted_ns: int | None = None) -> None:
        if questions:
            with contextlib.suppress(RuntimeError):  # the loop has ended
                self._loop.call_soon_threadsafe(_tell, questions, refused, counted_ns)


def jobs_of(questions: Sequence[Question]) -> list[ClaimedJob]:
    return [each.job for each in questions]


def _tried(call: Callable[[Sequence[Any]], set[int]], about: Sequence[Any], consequence: str) -> set[int] | None:
    """What the call returns; None if it fails."""
    if not about:
        return set()
    try:
        with connection():
            return call(about)
    except Exception as error:  # noqa: BLE001 - a request must not wait for the database
        log.warning("%d %s: %s", len(about), consequence, error)
        return None


def _tell(questions: Sequence[Question], refused: Collection[int], counted_ns: int | None = None) -> None:
    """Answer those of the questions that are still open."""
    leave, refusal = Permission(True, counted_ns), Permission(False)
    for question in questions:
        question.close(refusal if question.job.id in refused else leave)


def withdraw_cancelled(jobs: Sequence[ClaimedJob]) -> set[int]:
    """End the claims of those that were cancelled, as if nothing had been attempted, joining the caller's transaction;
    returns their ids."""
    cancelled = lifecycle.cancelled_of(jobs)
    if not cancelled:
        return cancelled
    gone = [job for job in jobs if job.id in cancelled]
    with transaction():
        wait_briefly_for_locks()
        lifecycle.withdraw(gone)
        release_next_in_turn({job.schedule_id for job in gone if job.schedule_id}, clock.now())
        after_commit(lambda: _after_commit(gone))
    return cancelled


def _after_commit(gone: Sequence[ClaimedJob]) -> None:
    event_order.release_next_events(subjects_of_events(gone))
    leaving.make_room(gone)
