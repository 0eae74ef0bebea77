"""The client of a journey: orders requests through the API and keeps the client ledger.

Owns the HTTP to the API. It repeats nothing by itself: an answer that was not seen is an `unknown` line of the
ledger, which the checker knows how to judge. A thread has its own connection; `create_all` starts and joins its
threads.
"""

import contextlib
import http.client
import json
import threading
import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

from tests.support.journeys.ledger import Cancelled, Created, Recorded, read_recorded, timestamp

THREADS = 4
TIMEOUT_SECONDS = 30
IDLE_SECONDS = 1.0
OPEN_STATES = ("available", "scheduled", "executing", "retryable")


def now_us() -> int:
    return time.time_ns() // 1000


class Order(NamedTuple):
    """One job to create: `path` is the receiver's, `key` the idempotency key."""

    nonce: str
    due_at: int
    path: str = "/ok"
    key: str | None = None


class Client:
    """Speaks to one API with one key."""

    def __init__(self, port: int, key: str, receiver_port: int = 0) -> None:
        self.port, self.receiver_port = port, receiver_port
        self.headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
        self._local = threading.local()

    def ask(self, method: str, path: str, body: object = None) -> tuple[int, Any]:
        """(status code, JSON answer). Raises OSError or HTTPException when no answer was seen."""
        connection = self._connection()
        try:
            connection.request(method, path, None if body is None else json.dumps(body), self.headers)
            response = connection.getresponse()
            return response.status, json.loads(response.read())
        except BaseException:
            connection.close()
            raise
        finally:
            self._local.used = time.monotonic()

    def get(self, path: str) -> Any:
        status, answer = self.ask("GET", path)
        assert status == 200, f"GET {path} was answered {status}: {answer}"
        return answer

    def create(self, order: Order) -> Created:
        """Order one POST to the receiver, with the nonce in its headers."""
        fields = {
            "method": "post",
            "url": f"http://127.0.0.1:{self.receiver_port}{order.path}",
            "headers": {"X-Nonce": order.nonce},
            "body": {"nonce": order.nonce},
            "scheduled_at": timestamp(order.due_at),
        }
        invoked_at = now_us()
        outcome, job_id = self._create(fields | ({"idempotency_key": order.key} if order.key else {}))
        return Created(order.nonce, order.due_at, invoked_at, now_us(), outcome, job_id, order.key, order.path)

    def create_all(self, orders: Iterable[Order]) -> list[Created]:
        """Every order, from a few threads at once."""
        with ThreadPoolExecutor(THREADS) as pool:
            return list(pool.map(self.create, orders))

    def cancel(self, created: Created) -> Cancelled:
        invoked_at, state = now_us(), None
        with contextlib.suppress(OSError, http.client.HTTPException):
            status, answer = self.ask("POST", f"/api/jobs/{created.job_id}/cancel")
            state = answer["data"]["job"]["state"] if status == 200 else None
        return Cancelled(created.nonce, invoked_at, now_us(), state)

    def jobs(self) -> list[Recorded]:
        return list(read_recorded(self.get))

    def settled(self) -> bool:
        """Whether every job of the account is in a final state. Looked at twice: a rescue may lead a job from a state
        not looked at yet to one already looked at."""
        twice = [*OPEN_STATES, *OPEN_STATES]
        return not any(self.get(f"/api/jobs?state={state}&limit=1")["data"] for state in twice)

    def _create(self, fields: dict[str, Any]) -> tuple[str, int | None]:
        try:
            status, answer = self.ask("POST", "/api/jobs", fields)
        except (OSError, http.client.HTTPException, ValueError):
            return "unknown", None
        if status in (200, 201):
            return "ok", answer["data"]["job_id"]
        return ("fail" if 400 <= status < 500 else "unknown"), None

    def _connection(self) -> http.client.HTTPConnection:
        """This thread's connection; a new one after a pause, in which the server may have closed the old one."""
        connection = getattr(self._local, "connection", None)
        if connection and time.monotonic() - self._local.used > IDLE_SECONDS:
            connection.close()
            connection = None
        if connection is None:
            connection = self._local.connection = self._open()
        return connection

    def _open(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=TIMEOUT_SECONDS)
