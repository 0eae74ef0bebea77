"""Owns gunicorn's worker: when it takes a connection, and how it answers what never becomes a request.

For broken request lines and headers too large gunicorn's own answer is a page of HTML; here it has the one shape of
errors. Used as `--worker-class`.
"""

import time
from contextlib import suppress
from http import HTTPStatus
from socket import socket
from typing import Any

from gunicorn.http import errors
from gunicorn.workers.gthread import ThreadWorker

from api.dashboard import log_stream
from api.responses.responses import HEADERS, ApiError, error_text, new_request_id
from api.server import accept_balance

STATUSES = {errors.LimitRequestLine: 414, errors.LimitRequestHeaders: 431, errors.ExpectationFailed: 417}
SEND_LIMIT_S = 1


class Worker(ThreadWorker):
    """gunicorn's threads, with JSON for errors, connections shared evenly among the processes, and an end to live tails
    when it is told to stop."""

    seat: int | None = None  # given by the master before the process begins
    rests_until_s = 0.0  # 0: it does not rest
    rested = False

    def accept(self, listener: socket) -> None:
        """Take a connection, or leave it to a process that holds fewer: once, it may be busy."""
        if not self.rested and accept_balance.another_holds_fewer(self.nr_conns):
            self.rests_until_s = time.monotonic() + accept_balance.REST_S
            self.set_accept_enabled(False)
            return
        self.rested = False
        super().accept(listener)
        self._note_connections()

    def set_accept_enabled(self, enabled: bool) -> None:
        super().set_accept_enabled(enabled and not self.rests_until_s)

    def wait_for_and_dispatch_events(self, timeout: float) -> None:
        """What is still there when a rest is over is taken, however late it is noticed."""
        self._note_connections()
        if self.rests_until_s:
            left_s = max(0.0, self.rests_until_s - time.monotonic())
            if not left_s:
                self.rests_until_s, self.rested = 0.0, True
                self.set_accept_enabled(self.alive and self.nr_conns < self.worker_connections)
            timeout = min(timeout, left_s)
        super().wait_for_and_dispatch_events(timeout)
        self.rested = False

    def _note_connections(self) -> None:
        """One that stops takes no more, however few it holds: nobody shall wait for it."""
        accept_balance.note(self.seat, self.nr_conns if self.alive else accept_balance.EMPTY)

    def handle_exit(self, sig: int, frame: Any) -> None:
        log_stream.stopping.set()
        super().handle_exit(sig, frame)

    def handle_quit(self, sig: int, frame: Any) -> None:
        """Ctrl-C ends as SIGTERM does.

        gunicorn's own way takes the lock of the thread pool inside the signal handler. A second signal (the terminal
        signals the group, then the master each process) would wait inside the first for ever.
        """
        self.handle_exit(sig, frame)

    def handle_error(self, req: Any, client: socket, addr: Any, exc: BaseException) -> None:  # noqa: ARG002
        error = error_of(exc)
        named = new_request_id()
        self.log.warning("request %s from %s: answered %s: %s", named, addr, error.status, type(exc).__name__)
        with suppress(OSError):
            client.settimeout(SEND_LIMIT_S)
            client.sendall(raw_answer(error, named))


def error_of(exc: BaseException) -> ApiError:
    """The client's mistake where it is one; what came is not quoted."""
    status = next((status for kind, status in STATUSES.items() if isinstance(exc, kind)), None)
    if status is None:
        if not isinstance(exc, errors.ParseException | OSError):
            return ApiError(500)
        status = 400
    return ApiError(status, f"The request must be valid HTTP within this server's limits, got {type(exc).__name__}.")


def raw_answer(error: ApiError, named: str) -> bytes:
    """A whole HTTP answer that ends the connection."""
    body = error_text(error, named)
    headers = {
        "Connection": "close",
        "Content-Type": "application/json",
        "Content-Length": str(len(body)),
        "X-Request-Id": named,
        **HEADERS,
    }
    head = [f"HTTP/1.1 {error.status} {HTTPStatus(error.status).phrase}"]
    head += [f"{name}: {value}" for name, value in headers.items()]
    return "\r\n".join([*head, "", body]).encode("ascii")
