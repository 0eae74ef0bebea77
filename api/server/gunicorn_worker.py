"""Extends gunicorn's threaded worker: which connections it accepts, and how it answers a malformed request.

gunicorn itself would answer broken request lines and headers that are too large with HTML; this answers with our JSON.
Used as `--worker-class`.
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
    """Threaded worker that answers errors with JSON, shares connections evenly with the other processes, and ends live
    logs when it stops."""

    seat: int | None = None  # set by the master before the fork
    rests_until_s = 0.0  # 0: it does not rest
    rested = False

    def accept(self, listener: socket) -> None:
        """Accept a connection, or leave it to a process that holds fewer; only once, since that process may be busy."""
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
        """After a rest, accept a connection that no other process has taken, however late the end is noticed."""
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
        """Publish the number of connections. A process that stops accepts none, so the others must not wait for it."""
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
        request_id = new_request_id()
        self.log.warning("request %s from %s: answered %s: %s", request_id, addr, error.status, type(exc).__name__)
        with suppress(OSError):
            client.settimeout(SEND_LIMIT_S)
            client.sendall(raw_response(error, request_id))


def error_of(exc: BaseException) -> ApiError:
    """The error to answer with. It does not quote the request."""
    status = next((status for kind, status in STATUSES.items() if isinstance(exc, kind)), None)
    if status is None:
        if not isinstance(exc, errors.ParseException | OSError):
            return ApiError(500)
        status = 400
    return ApiError(status, f"The request must be valid HTTP within this server's limits, got {type(exc).__name__}.")


def raw_response(error: ApiError, request_id: str) -> bytes:
    """A complete HTTP response that ends the connection."""
    body = error_text(error, request_id)
    headers = {
        "Connection": "close",
        "Content-Type": "application/json",
        "Content-Length": str(len(body)),
        "X-Request-Id": request_id,
        **HEADERS,
    }
    head = [f"HTTP/1.1 {error.status} {HTTPStatus(error.status).phrase}"]
    head += [f"{name}: {value}" for name, value in headers.items()]
    return "\r\n".join([*head, "", body]).encode("ascii")
