"""Extends gunicorn's threaded worker: which connections it accepts, how it reads requests, which thread serves them,
how it stops, and how it answers a malformed request.

A request is read in the main loop (api/server/arrivals.py), or in a thread where it has arrived whole
(api/server/next_request.py). gunicorn itself would read it in a thread, so that forty slow clients held all of them. It
would answer broken request lines and headers that are too large with HTML; this answers with our JSON. Used as
`--worker-class`.
"""

import errno
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from http import HTTPStatus
from socket import socket
from typing import Any

from gunicorn.http import errors
from gunicorn.workers.gthread import TConn, ThreadWorker

from api.responses.responses import HEADERS, ApiError, error_text, new_request_id
from api.server import accept_balance, next_request
from api.server.arrivals import Arrivals
from api.server.client_socket import ClientSocket
from api.server.lanes import Lane, lane_of
from api.server.request_buffer import RequestBuffer
from api.server.transfer_codings import CHUNKED_ALONE, is_chunked_alone
from runtime import settings, signals
from runtime.file_shortage import FileShortage

STATUSES = {
    errors.LimitRequestLine: 414,
    errors.LimitRequestHeaders: 431,
    errors.ExpectationFailed: 417,
    errors.UnsupportedTransferCoding: 501,
}
SEND_LIMIT_S = 1
MESSAGES = {
    408: "The request must arrive whole, without long pauses.",
    431: "The head of the request is larger than this server reads.",
}


class Connection(TConn):
    """A client's connection. `read_behind`: what came behind its request, which begins the next one."""

    read_behind = b""
    is_last = False  # of its request: none may follow
    lane: Lane = "other"  # of its request

    def __init__(self, worker: "Worker", accepted: socket, client: Any, server: Any) -> None:
        super().__init__(worker.cfg, ClientSocket(accepted), client, server)
        self._worker = worker

    def serve_from(self, buffer: RequestBuffer) -> None:
        """Let a thread serve the request that is in the buffer."""
        self.read_behind, self.is_last, self.data_ready = buffer.rest, buffer.is_last, True
        self.sock.serve_from(buffer.file())

    def close(self, graceful: bool = False) -> None:
        """Close it; `graceful`: without waiting for the client in the main loop, as gunicorn would."""
        if graceful:
            self._worker.arrivals.linger(self.sock, self._worker.poller)
        else:
            super().close()


class Worker(ThreadWorker):
    """Threaded worker whose threads wait for no client. It answers errors with JSON, shares connections evenly with the
    other processes, serves signs of life on threads of their own, and ends live logs when it stops."""

    seat: int | None = None  # set by the master before the fork
    rests_until_s = 0.0  # 0: it does not rest
    rested = False
    alive: bool
    sockets: list[Any]
    tpool: Any

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        effective = settings.load()
        max_body = max(effective.max_body_bytes, effective.max_batch_bytes)
        self.shortage = FileShortage()
        self.arrivals = Arrivals(max_body, self.serve, self.refuse, self.forget)
        self.stop_delay_s = effective.stop_delay_s
        self.stops_at_s: float | None = None
        self.lanes: dict[Lane, ThreadPoolExecutor] = {}
        self.handed_over = 0  # connections that have or await a thread of the pool; only the main loop changes it

    def init_process(self) -> None:
        self.lanes = {"quick": ThreadPoolExecutor(1, "quick"), "ready": ThreadPoolExecutor(1, "ready")}
        super().init_process()

    def accept(self, listener: socket) -> None:
        """Accept a connection, or leave it to a process that holds fewer; only once, since that process may be busy.
        Without a file for it, the connection waits: an error would end the process with all that it serves."""
        if not self.rested and accept_balance.another_holds_fewer(self.nr_conns):
            self._rest_until(time.monotonic() + accept_balance.REST_S)
            return
        self.rested = False
        try:
            accepted, client = listener.accept()
        except OSError as error:
            if self.shortage.begin(error):
                self._rest_until(self.shortage.pauses_until_s)
                self._note_connections()
            elif error.errno not in (errno.EAGAIN, errno.ECONNABORTED, errno.EWOULDBLOCK):
                raise
            return
        self.shortage.end()
        self._take(accepted, client, listener)
        self._note_connections()

    def _rest_until(self, instant_s: float) -> None:
        self.rests_until_s = instant_s
        self.set_accept_enabled(False)

    def enqueue_req(self, conn: Connection) -> None:
        """Read the next request of this connection, then have a thread serve it."""
        before, conn.read_behind = conn.read_behind, b""
        self.arrivals.begin(conn, self.poller, before)

    def serve(self, conn: Connection, path: bytes) -> None:
        """Have a thread serve the request, which has arrived."""
        conn.lane = lane_of(path)
        self.handed_over += conn.lane == "other"
        future = self.lanes.get(conn.lane, self.tpool).submit(self.handle, conn)
        future.add_done_callback(lambda done: self.method_queue.defer(self.finish_request, conn, done))

    def refuse(self, conn: Connection, status: int) -> None:
        """Answer a request that did not arrive as it should."""
        self.nr_conns -= 1
        with suppress(OSError):
            conn.sock.send(raw_response(ApiError(status, MESSAGES[status]), new_request_id()))
        conn.close(graceful=True)

    def forget(self, conn: Connection) -> None:
        """Close a connection whose client has gone, or never asked for anything."""
        self.nr_conns -= 1
        conn.close()

    def handle(self, conn: Connection) -> Any:
        """Serve its request, and those that follow at once; whether the connection is kept. Runs in a thread."""
        is_kept = super().handle(conn)
        while is_kept and self._may_stay(conn) and next_request.take(conn, self.arrivals.max_body):
            is_kept = super().handle(conn)
        return is_kept

    def _may_stay(self, conn: Connection) -> bool:
        """Whether its thread may wait for the next request: no connection needs the thread, and nothing is read yet."""
        has_free_thread = conn.lane == "other" and self.handed_over < self.cfg.threads
        return has_free_thread and not conn.read_behind and not conn.parser.unreader.buf.getvalue()

    def handle_request(self, req: Any, conn: Connection) -> Any:
        """Serve a request. Nothing follows one whose end is not known, or that is the last before the stop.

        A body with a further coding is refused. gunicorn would pass on the contents of its chunks, still coded.
        """
        codings = [value for name, value in req.headers if name == "TRANSFER-ENCODING"]
        if codings and not is_chunked_alone(codings):
            raise errors.UnsupportedTransferCoding(", ".join(codings))
        if conn.is_last or self.stops_at_s is not None:
            req.force_close()
        return super().handle_request(req, conn)

    def _keepalive_after(self, conn: Connection, keepalive: bool) -> bool:
        """Whether the connection is kept: not after a malformed body that nobody read. gunicorn would send a second
        response, which a proxy takes for that to the next request."""
        with suppress(Exception):
            return bool(super()._keepalive_after(conn, keepalive))
        return False

    def finish_request(self, conn: Connection, fs: Any) -> None:
        self.handed_over -= conn.lane == "other"
        conn.sock.drop_read_ahead()
        super().finish_request(conn, fs)
        if conn.read_behind and self.keepalived_conns and self.keepalived_conns[-1] is conn:
            self.on_client_socket_readable(conn, conn.sock)

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
        if self.stops_at_s is not None and self.alive:
            timeout = min(timeout, max(0.0, self.stops_at_s - time.monotonic()))
        super().wait_for_and_dispatch_events(timeout)
        self.rested = False
        if not self.alive:
            self._stop_listening()
        self.arrivals.sweep(self.poller, is_stopping=not self.alive)
        if self.stops_at_s is not None and time.monotonic() >= self.stops_at_s:
            self.alive = False

    def _stop_listening(self) -> None:
        """Take the connections that wait to be accepted, then refuse further ones: a proxy then asks another server.
        gunicorn would leave both to wait until the process ends, without an answer."""
        for listener in self.sockets:
            with suppress(OSError):
                listener.setblocking(False)
                while True:
                    accepted, client = listener.accept()
                    self._take(accepted, client, listener)
            listener.close()
        self.sockets = []

    def _take(self, accepted: socket, client: Any, listener: socket) -> None:
        self.nr_conns += 1
        self.enqueue_req(Connection(self, accepted, client, listener.getsockname()))

    def _note_connections(self) -> None:
        """Publish the number of connections. A process that stops or has no file left accepts none, so the others must
        not wait for it."""
        accepts = self.alive and not self.shortage.pauses
        accept_balance.note(self.seat, self.nr_conns if accepts else accept_balance.EMPTY)

    def handle_exit(self, sig: int, frame: Any) -> None:
        """Go on for the stop delay, with responses that end their connections, then stop."""
        signals.stopping.set()
        if self.stops_at_s is None:
            self.stops_at_s = time.monotonic() + self.stop_delay_s
        if not self.stop_delay_s:
            super().handle_exit(sig, frame)
        if self.alive:  # later its pipe may be closed, and the number of the file belong to another
            self.method_queue.defer(lambda: None)

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
    if status == 501:
        return ApiError(status, CHUNKED_ALONE)
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
