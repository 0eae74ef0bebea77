"""Fetches requests and answers them: one thread asks, some threads send what came to the local server.

It asks for no more than it has free threads, so what comes faster waits at Booper. When the connection breaks it asks
again, after pauses that double. An answer is sent again until it is accepted or its time is over: Booper counts the
first.
"""

import queue
import threading
import time
from collections.abc import Callable
from typing import NamedTuple

from booper_client import Client
from booper_client.cli.listening.local_server import LocalServer
from booper_client.errors import (
    ApiError,
    ConflictError,
    ConnectionFailedError,
    InvalidRequestError,
    ServerError,
    UnreadableAnswerError,
)
from booper_client.models.listeners import LocalAnswer, TakenRequest

WAIT_S = 5.0  # whoever breaks off leaves nobody who would take requests for longer
MOST_AT_ONCE = 50
SHORTEST_PAUSE_S, LONGEST_PAUSE_S = 0.25, 10.0
BUSY_PAUSE_S = 1.0  # the server had no place to wait in
GRACE_S = 5.0
TRY_AGAIN = (ConnectionFailedError, ServerError, UnreadableAnswerError)


class Heard(NamedTuple):
    """A request that was sent on. `fate`: "" when its answer counts, else why not."""

    request: TakenRequest
    answer: LocalAnswer
    seconds: float
    fate: str


class Listening:
    """`run` until it is interrupted, then `end`. `report` gets each request, `note` what else happens; both may be
    called by several threads."""

    def __init__(
        self,
        name: str,
        local: LocalServer,
        new_client: Callable[[], Client],
        report: Callable[[Heard], object],
        note: Callable[[str], object],
        at_once: int,
    ) -> None:
        self._name, self._local, self._new_client, self._report, self._note = name, local, new_client, report, note
        self._free, self._changed = at_once, threading.Condition()
        self._at_once = at_once
        self._waiting: queue.SimpleQueue[tuple[TakenRequest, float]] = queue.SimpleQueue()
        self._pause_s = 0.0
        self._failure: Exception | None = None
        self._threads = [
            threading.Thread(target=self._send_on, name=f"listener-{number}", daemon=True) for number in range(at_once)
        ]

    def run(self) -> None:
        """Fetch requests; ends by an error that no repetition helps against, such as an unknown key."""
        for thread in self._threads:
            thread.start()
        with self._new_client() as client:
            while self._failure is None:
                self._fetch(client)
        raise self._failure

    def end(self) -> int:
        """Wait a moment for requests under way; returns how many are left, which Booper tries again."""
        with self._changed:
            self._changed.wait_for(lambda: self._free == self._at_once, GRACE_S)
            return self._at_once - self._free

    def _fetch(self, client: Client) -> None:
        limit, began = self._room(), time.monotonic()
        try:
            taken = client.listeners.take(self._name, limit=limit, wait=WAIT_S)
        except TRY_AGAIN as error:
            self._rest(error)
            return
        if self._pause_s:
            self._note("Connected again.")
        self._pause_s = 0.0
        with self._changed:
            self._free -= len(taken)
        for request in taken:
            self._waiting.put((request, time.monotonic()))
        if not taken and time.monotonic() - began < WAIT_S / 2:
            time.sleep(BUSY_PAUSE_S)

    def _room(self) -> int:
        with self._changed:
            while not self._free and self._failure is None:
                self._changed.wait(1.0)
            return max(1, min(self._free, MOST_AT_ONCE))

    def _rest(self, error: Exception) -> None:
        if not self._pause_s:
            self._note(f"No connection to Booper ({type(error).__name__}); trying again.")
        self._pause_s = min(max(2 * self._pause_s, SHORTEST_PAUSE_S), LONGEST_PAUSE_S)
        time.sleep(self._pause_s)

    def _send_on(self) -> None:
        try:
            self._send_each()
        except Exception as error:  # noqa: BLE001 - such as a closed pipe, where `report` writes: it ends all
            self._failure = error

    def _send_each(self) -> None:
        with self._new_client() as client:
            while True:
                request, came = self._waiting.get()
                began = time.monotonic()
                answer = self._local.send(request)
                seconds = time.monotonic() - began
                fate = self._bring_back(client, request, answer, came + request.seconds_left)
                self._report(Heard(request, answer, seconds, fate))
                with self._changed:
                    self._free += 1
                    self._changed.notify_all()

    def _bring_back(self, client: Client, request: TakenRequest, answer: LocalAnswer, ends: float) -> str:
        """Why the answer does not count; "" when it does."""
        pause_s, tries = SHORTEST_PAUSE_S, 0
        while tries == 0 or time.monotonic() < ends:
            tries += 1
            try:
                client.listeners.answer(self._name, request, answer)
            except TRY_AGAIN:
                time.sleep(pause_s)
                pause_s = min(2 * pause_s, 2.0)
            except InvalidRequestError:  # the local server said what no header may hold
                return (
                    self._bring_back(client, request, LocalAnswer(error="protocol"), ends)
                    if answer.status
                    else "refused"
                )
            except ConflictError:  # an earlier try, whose response was lost, has arrived
                return "" if tries > 1 else "answered before"
            except ApiError as error:
                return "too late" if error.status == 410 else error.code
            else:
                return ""
        return "too late"
