"""The transport as tests call it: one request, and its outcome when it has come."""

import asyncio
from concurrent.futures import Future

from tests.support.waiting import wait_until
from workers.transport.client import Transport

LIMIT_S = 30
LONG_MS = 900_000


class BlockingTransport:
    """`send` from any thread; the loop runs until `close`. `is_wanted`: a coroutine function that gives permissions."""

    def __init__(self, *args, is_wanted=None, **kwargs):
        self.went_late = []  # the futures of those that went out later than their start was counted
        self.transport = Transport(*args, **kwargs)
        self.transport.start(self._take, is_wanted and answered_by(is_wanted), self.went_late.append)

    def _take(self, ended):
        for answer, outcome in ended:
            answer.set_result(outcome)

    def begin(self, request) -> Future:
        answer = Future()
        self.transport.submit([(answer, request)])
        return answer

    def send(self, request):
        return self.begin(request).result(LIMIT_S)

    def begin_out_of_time(self, request) -> Future:
        """Begin a request, and let its deadline come in the same iteration of the loop."""
        request.timeout_ms = 0
        answer = Future()

        def begin_and_expire():
            self.transport.submit([(answer, request)])
            self.transport._thread.call(lambda: [exchange._expire() for exchange in list(self.transport._under_way)])

        self.transport._thread.call(begin_and_expire)
        return answer

    def send_until_heard(self, request, count):
        """Send a request whose deadline comes when so many bytes of its answer have come."""
        request.timeout_ms = LONG_MS
        answer = self.begin(request)
        wait_until(lambda: self._heard_bytes() >= count)
        self.expire()
        return answer.result(LIMIT_S)

    def expire(self):
        """Let the deadline of every request under way come."""
        for exchange in list(self.transport._under_way):
            self.transport._thread.call(exchange._expire)

    def begin_held(self):
        """Let the instants come for which requests wait."""
        for exchange in list(self.transport._under_way):
            self.transport._thread.call(exchange._begin_in_turn)

    def _heard_bytes(self):
        connections = [exchange._connection for exchange in list(self.transport._under_way)]
        return sum(connection.reader._read_bytes for connection in connections if connection)

    def close(self):
        self.transport.close()


def answered_by(is_wanted):
    """Ask a coroutine function; its answer comes in a later iteration of the loop."""

    def ask(key, count_anew, answer):
        task = asyncio.get_running_loop().create_task(is_wanted(key, count_anew))
        task.add_done_callback(lambda done: done.cancelled() or answer(done.result()))

    return ask
