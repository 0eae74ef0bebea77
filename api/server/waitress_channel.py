"""Adapts waitress (embedded mode): JSON for malformed requests, 408 for late ones, threads for signs of life, the stop.

waitress itself would answer with plain text, and wait two minutes for each byte of a request. It would close a
connection while its client still sends, which then may get a reset in place of the answer.
"""

import socket
import time
from typing import Any

from waitress import wasyncore
from waitress.channel import HTTPChannel
from waitress.parser import HTTPRequestParser, ParsingError, get_header_lines
from waitress.task import ErrorTask, ThreadedTaskDispatcher
from waitress.utilities import Error

from api.responses.responses import HEADERS, ApiError, error_text, new_request_id
from api.server.arrivals import HEAD_S, LINGER_S, SLOWEST_BYTES_A_SECOND
from api.server.client_socket import PIECE
from api.server.lanes import Lane, lane_of
from api.server.transfer_codings import CHUNKED_ALONE, is_ambiguous
from runtime.file_shortage import pause_without_files
from runtime.waitress_servers import listening

WAITRESSS_NAME = "add_task"


class RequestTimeout(Error):
    code = 408
    reason = "Request Timeout"


class JsonError(ErrorTask):
    """Answers `self.request.error`, which waitress set while parsing."""

    def execute(self) -> None:
        refused = self.request.error
        request_id = new_request_id()
        reason = f"The request must be valid HTTP within this server's limits: {refused.reason}."
        error = ApiError(refused.code, CHUNKED_ALONE if refused.code == 501 else reason)
        body = error_text(error, request_id).encode("ascii")
        self.status = f"{refused.code} {refused.reason}"
        headers = {"Content-Type": "application/json", "X-Request-Id": request_id, **HEADERS}
        self.response_headers.extend(headers.items())
        self.set_close_on_finish()
        self.content_length = len(body)
        self.write(body)


class Parser(HTTPRequestParser):
    """Refuses a request that a proxy in front may have taken for two, or two for one."""

    def parse_header(self, header_plus: bytes) -> None:
        super().parse_header(header_plus)
        lines = [line.partition(b":") for line in get_header_lines(header_plus.partition(b"\r\n")[2])]
        if is_ambiguous(self.version, [(name.strip().lower(), value) for name, _, value in lines]):
            raise ParsingError("Transfer-Encoding is ambiguous")


class Channel(HTTPChannel):
    """A connection of waitress that answers errors with JSON, and a request that does not arrive in time with 408. It
    is closed when the client has closed it, or LINGER_S after the last answer."""

    parser_class = Parser
    error_task_class = JsonError
    request: Any
    requests: list[Any]
    began_s = 0.0  # when the request that is arriving began
    lingers_until_s: float | None = None

    def received(self, data: bytes) -> bool:
        if self.request is None:
            self.began_s = time.monotonic()
        return bool(super().received(data))

    def send_continue(self) -> None:
        """waitress has this sent also for a request that it refused by its head: the client would send a body for
        which nobody waits, and the refusal would be its second answer."""
        if self.request.error is None:
            super().send_continue()

    def readable(self) -> bool:
        """waitress asks in each round of its loop."""
        if self.lingers_until_s is not None:
            return self._goes_on_lingering(self.lingers_until_s)
        if self.request is not None and not self.requests and self._is_late(self.request):
            self._refuse_late()
        return bool(super().readable())

    def writable(self) -> bool:
        return self.lingers_until_s is None and bool(super().writable())

    def handle_read(self) -> None:
        if self.lingers_until_s is None:
            super().handle_read()
            return
        try:
            has_ended = not self.socket.recv(PIECE)
        except BlockingIOError:
            return
        except OSError:
            has_ended = True
        if has_ended:
            super().handle_close()

    def handle_close(self) -> None:
        """Half-close a connection that ends with an answer; any other is closed at once, if it is not closed yet."""
        if self.socket is None or not self.will_close or self.lingers_until_s is not None:
            super().handle_close()
            return
        try:
            self.socket.shutdown(socket.SHUT_WR)
        except OSError:
            super().handle_close()
        else:
            self.lingers_until_s = time.monotonic() + LINGER_S

    def _goes_on_lingering(self, until_s: float) -> bool:
        if time.monotonic() > until_s:
            super().handle_close()
            return False
        return True

    def _is_late(self, request: HTTPRequestParser) -> bool:
        body_s = (request.body_bytes_received or 0) / SLOWEST_BYTES_A_SECOND
        return time.monotonic() > self.began_s + HEAD_S + body_s

    def _refuse_late(self) -> None:
        with self.requests_lock:
            self.request.error, self.request.completed = RequestTimeout("it did not arrive whole in time"), True
            self.requests.append(self.request)
            self.request = None
            self.server.add_task(self)


class Lanes:
    """Takes the place of a server's dispatcher: signs of life have threads of their own."""

    def __init__(self, others: ThreadedTaskDispatcher) -> None:
        self._others = others
        self._own: dict[Lane, ThreadedTaskDispatcher] = {
            "quick": ThreadedTaskDispatcher(),
            "ready": ThreadedTaskDispatcher(),
        }
        for dispatcher in self._own.values():
            dispatcher.set_thread_count(1)
        setattr(self, WAITRESSS_NAME, self.enqueue)

    def enqueue(self, channel: Any) -> None:
        path = getattr(channel.requests[0], "path", "")
        self._own.get(lane_of(path.encode("utf-8", "replace")), self._others).add_task(channel)

    def shutdown(self, cancel_pending: bool = True, timeout: float = 5) -> None:
        for dispatcher in (*self._own.values(), self._others):
            dispatcher.shutdown(cancel_pending, timeout)


def adapt(server: Any) -> None:
    """Make all of this true of a server that was just created, with one listening socket or several."""
    lanes = Lanes(server.task_dispatcher)
    for each in listening(server):
        each.channel_class, each.task_dispatcher = Channel, lanes
    server.task_dispatcher = lanes
    pause_without_files(server)


def stop_listening(server: Any) -> None:
    """Free the port at once. Requests under way go on."""
    for each in listening(server):
        wasyncore.dispatcher.close(each)
