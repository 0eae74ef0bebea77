"""Asks the database whether late requests are still wanted, just before they go out. A job may have been cancelled
while its request waited for a connection, and the rate of its flow counts when a request goes out.

One thread asks, in groups: all requests that came while it asked for the group before. So the loop never waits, and a
burst costs few queries. Questions and answers pass between the threads in groups too, with one timer each: in a drain
most requests ask. If the database does not answer in time, the request goes out.
"""

import asyncio
import contextlib
import logging
import queue
import threading
from collections.abc import Collection, Sequence

from models.database.connection import connection
from models.database.transactions import transaction, wait_briefly_for_locks
from models.flows import leaving, parking, starts
from models.flows.starts import LateStart
from models.jobs import lifecycle
from models.jobs.lifecycle import ClaimedJob
from models.rules import clock
from models.schedules.overlap import release_next_in_turn
from models.webhooks import event_order
from workers.delivery.job_events import subjects_of_events

log = logging.getLogger("booper.senders")
LIMIT_S = 0.5
AT_ONCE = 200
_JOIN_S = 1.0

Question = tuple[ClaimedJob, asyncio.Future[bool]]
Group = list[Question]


class LastLook:
    """Answers questions in groups: `start`, then `is_wanted` on the loop, then `stop`."""

    def __init__(self) -> None:
        self._gathered: Group = []  # in this iteration of the loop
        self._waiting: queue.SimpleQueue[Group | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._work, name="last-look", daemon=True)

    def start(self) -> None:
        """Start the thread. Raises RuntimeError when the system gives none."""
        self._thread.start()

    async def is_wanted(self, job: ClaimedJob) -> bool:
        """Whether the request of this job is still to be sent."""
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[bool] = loop.create_future()
        if not self._gathered:
            loop.call_soon(self._hand_over)
        self._gathered.append((job, answer))
        return await answer

    def stop(self) -> None:
        self._waiting.put(None)
        if self._thread.is_alive():
            self._thread.join(_JOIN_S)

    def _hand_over(self) -> None:
        group, self._gathered = self._gathered, []
        self._waiting.put(group)
        asyncio.get_running_loop().call_later(LIMIT_S, _tell, group, frozenset())

    def _work(self) -> None:
        while (group := self._waiting.get()) is not None:
            while len(group) < AT_ONCE and not self._waiting.empty():
                following = self._waiting.get()
                if following is None:
                    return
                group = group + following
            _answer(group)


def _answer(group: Group) -> None:
    unwanted: set[int] = set()
    try:
        unwanted = withdrawn([job for job, _ in group])
    except Exception as error:  # noqa: BLE001 - a request must not wait for the database
        log.warning("%d requests go out although they may be cancelled: %s", len(group), error)
    with contextlib.suppress(RuntimeError):  # the loop has ended
        group[0][1].get_loop().call_soon_threadsafe(_tell, group, unwanted)


def _tell(group: Group, unwanted: Collection[int]) -> None:
    """Answer those questions of the group that are still open."""
    for job, answer in group:
        if not answer.done():
            answer.set_result(job.id not in unwanted)


def withdrawn(jobs: Sequence[ClaimedJob]) -> set[int]:
    """End the claims of those that may not go any more, as if nothing had been attempted; returns their ids."""
    with connection():
        cancelled = _withdraw_cancelled(jobs)
        return cancelled | _park_late([job for job in jobs if job.flow_id is not None and job.id not in cancelled])


def _withdraw_cancelled(jobs: Sequence[ClaimedJob]) -> set[int]:
    cancelled = lifecycle.cancelled_of(jobs)
    if not cancelled:
        return cancelled
    gone = [job for job in jobs if job.id in cancelled]
    with transaction():
        wait_briefly_for_locks()
        lifecycle.withdraw(gone)
        release_next_in_turn({job.schedule_id for job in gone if job.schedule_id}, clock.now())
    event_order.release_next_events(subjects_of_events(gone))
    leaving.make_room(gone)
    return cancelled


def _park_late(jobs: Sequence[ClaimedJob]) -> set[int]:
    """Count the starts of these jobs anew, and park those whose flow has had its starts meanwhile."""
    if not jobs:
        return set()
    now = clock.now()
    with transaction():
        wait_briefly_for_locks()
        refused = starts.restart([LateStart(job.id, job.flow_id or 0) for job in jobs], now)
        released = lifecycle.release([job for job in jobs if job.id in refused])
        by_flow: dict[int, list[int]] = {}
        for job in jobs:
            if job.id in released:
                by_flow.setdefault(job.flow_id or 0, []).append(job.id)
        parking.park(by_flow)
        parking.wake_by(dict.fromkeys(by_flow, now))
    return refused
