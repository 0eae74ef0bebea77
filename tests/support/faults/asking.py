"""The client of a fault: orders that share some fields, every answer's status kept, and a load that goes on by itself.

Owns what support/journeys/client.py leaves out: what the API answers while things break.
"""

import contextlib
import json
import secrets
import threading
import time
from collections import Counter
from collections.abc import Iterator
from typing import Any, NamedTuple, Self

from tests.support.journeys.client import Client, Order, now_us
from tests.support.journeys.journey import SECOND, Journey
from tests.support.waiting import wait_until

JOIN_SECONDS = 60
RETRIED = "/fail-then-ok/1"


class Answer(NamedTuple):
    """How one create was answered, and after how long; `status` is None where no answer came."""

    at: int
    status: int | None
    retry_after: str | None = None
    took_s: float = 0


class FaultClient(Client):
    """`fields` are added to every order. `answers` to creates are kept in their order of arrival."""

    def __init__(self, port: int, key: str, receiver_port: int, fields: dict[str, Any]) -> None:
        super().__init__(port, key, receiver_port)
        self.fields = fields
        self.answers: list[Answer] = []

    def headers_of_create(self) -> dict[str, str]:
        """Further headers of the create that this thread asks for."""
        return {}

    def ask(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        creates = (method, path) == ("POST", "/api/jobs")
        connection = self._connection()
        answer, began = Answer(0, None), time.monotonic()
        try:
            headers = self.headers | (self.headers_of_create() if creates else {})
            connection.request(method, path, body and json.dumps({**body, **self.fields}), headers)
            response = connection.getresponse()
            content = response.read()
            answer = Answer(0, response.status, response.headers["Retry-After"])
            return response.status, json.loads(content)
        except BaseException:
            connection.close()
            raise
        finally:
            self._local.used = time.monotonic()
            if creates:
                self.answers.append(answer._replace(at=now_us(), took_s=time.monotonic() - began))

    def statuses(self) -> Counter[int | None]:
        return Counter(answer.status for answer in self.answers)


class PatientClient(FaultClient):
    """Repeats a create until it is answered with 2xx or 4xx, each under one Idempotency-Key, as clients should."""

    def headers_of_create(self) -> dict[str, str]:
        return {"Idempotency-Key": self._local.idempotency_key}

    def _create(self, fields: dict[str, Any]) -> tuple[str, int | None]:
        self._local.idempotency_key = secrets.token_hex(16)

        def answered() -> tuple[str, int | None] | None:
            outcome = super(PatientClient, self)._create(fields)
            return None if outcome[0] == "unknown" else outcome

        return wait_until(answered, JOIN_SECONDS, "an answer to a create", 0.1)


class Load:
    """Jobs ordered one after another, `rate` a second, each due `ahead_seconds` after its order; a context that ends
    with the last answer. What was ordered goes into the journey's history."""

    def __init__(
        self, journey: Journey, rate: float = 25, ahead_seconds: float = 0.5, paths: tuple[str, ...] = ("/ok",)
    ) -> None:
        self._journey, self._rate, self._paths = journey, rate, paths
        self._ahead_us = int(ahead_seconds * SECOND)
        self._mark = secrets.token_hex(4)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._work, name="load")

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join(JOIN_SECONDS)
        assert not self._thread.is_alive(), f"the last create was not answered within {JOIN_SECONDS} s"

    def lasts(self, seconds: float) -> None:
        """Let it go on for so long."""
        time.sleep(seconds)

    def reaches(self, count: int) -> None:
        """Let it go on until the journey has ordered so many in all."""
        wait_until(lambda: len(self._journey.history.created) >= count, JOIN_SECONDS, f"{count} jobs", 0.05)

    def _work(self) -> None:
        began, number = time.monotonic(), 0
        while not self._stop.wait(max(0, began + number / self._rate - time.monotonic())):
            path = self._paths[number % len(self._paths)]
            order = Order(f"{self._mark}-{number}", now_us() + self._ahead_us, path)
            self._journey.history.created.append(self._journey.client.create(order))
            number += 1


@contextlib.contextmanager
def loads(journey: Journey, rate: float, ahead_seconds: float = 0.5, clients: int = 6) -> Iterator[Load]:
    """A load of several clients, since one alone waits for each answer; gives the first."""
    with contextlib.ExitStack() as stack:
        yield [stack.enter_context(Load(journey, rate / clients, ahead_seconds)) for _ in range(clients)][0]
