"""The client of a fault: orders that share some fields, every answer's status kept, and a load that goes on by itself.

Owns what support/journeys/client.py leaves out: what the API answers while things break. Repeats nothing.
"""

import json
import secrets
import threading
import time
from collections import Counter
from typing import Any, NamedTuple, Self

from tests.support.journeys.client import Client, Order, now_us
from tests.support.journeys.journey import SECOND, Journey

JOIN_SECONDS = 60
RETRIED = "/fail-then-ok/1"


class Answer(NamedTuple):
    """How one create was answered; `status` is None where no answer came."""

    at: int
    status: int | None
    retry_after: str | None = None


class FaultClient(Client):
    """`fields` are added to every order. `answers` to creates are kept in their order of arrival."""

    def __init__(self, port: int, key: str, receiver_port: int, fields: dict[str, Any]) -> None:
        super().__init__(port, key, receiver_port)
        self.fields = fields
        self.answers: list[Answer] = []

    def ask(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        creates = (method, path) == ("POST", "/api/jobs")
        connection = self._connection()
        answer = Answer(0, None)
        try:
            connection.request(method, path, body and json.dumps({**body, **self.fields}), self.headers)
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
                self.answers.append(answer._replace(at=now_us()))

    def statuses(self) -> Counter[int | None]:
        return Counter(answer.status for answer in self.answers)


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

    def _work(self) -> None:
        began, number = time.monotonic(), 0
        while not self._stop.wait(max(0, began + number / self._rate - time.monotonic())):
            path = self._paths[number % len(self._paths)]
            order = Order(f"{self._mark}-{number}", now_us() + self._ahead_us, path)
            self._journey.history.created.append(self._journey.client.create(order))
            number += 1
