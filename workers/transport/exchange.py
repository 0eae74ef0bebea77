"""One attempt on the loop: from the request to its outcome, under one deadline.

It goes out on an idle connection to the origin, else on the next that comes free or on a new one. A reused connection
that closes before a byte of an answer came had been closed by the target before it saw the request, as far as anybody
can tell (RFC 9112, 9.3.1): the request goes out once more, on a new connection, as the same attempt.
"""

import asyncio
import traceback
from collections.abc import Callable
from pathlib import Path

from workers.transport.connection import TIMER_SLACK_S, Connection, Origin
from workers.transport.content_codings import unpacked
from workers.transport.deadline import Deadline
from workers.transport.dialer import Dialer
from workers.transport.outcome import Answered, Blocked, Failed, Outcome, Refused, Unreachable, UnreachableReason
from workers.transport.pool import Pool
from workers.transport.wire_format import Request, WireRequest, to_wire

CLOSED = "the target closed the connection before it answered"
LOOK_AFTER_MS = 20.0  # a request that goes out sooner is not asked about again: that would cost a question for each
Ask = Callable[["Exchange", Callable[[bool], None]], None]


class Exchange:
    """Starts with `begin`; never raises.

    A request that is about to go out late asks first: `ask` gets a function and calls it with True if the request may
    be sent. `sent` is called when the request goes out, and `done` with the outcome; all on the loop.
    """

    __slots__ = (
        "_ask",
        "_connection",
        "_deadline",
        "_dialer",
        "_dialing",
        "_done",
        "_has_heard",
        "_is_asking",
        "_is_over",
        "_is_reused",
        "_origin",
        "_pool",
        "_prepared",
        "_request",
        "_sent",
        "_timer",
        "is_sent",
    )

    def __init__(
        self,
        request: Request,
        ask: Ask,
        sent: Callable[[], None],
        done: Callable[["Exchange", Outcome], None],
        dialer: Dialer,
        pool: Pool,
    ) -> None:
        self._request, self._ask, self._sent, self._done = request, ask, sent, done
        self._dialer, self._pool = dialer, pool
        self.is_sent = False
        self._deadline = Deadline(request.timeout_ms)
        self._prepared: WireRequest
        self._origin: Origin
        self._connection: Connection | None = None
        self._dialing: asyncio.Task[None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._is_reused = self._has_heard = self._is_asking = self._is_over = False

    def begin(self) -> None:
        try:
            self._prepared = to_wire(self._request)
            target = self._prepared.target
            if self._dialer.policy.is_own_origin(target.host, target.port, target.path):
                raise Blocked("blocked_address", f"{target.host} port {target.port} is in BOOPER_PUBLIC_URLS")
        except Exception as error:  # noqa: BLE001 - the loop must outlive whatever a target or a job provokes
            self._done(self, _outcome_of(error, self._deadline))
            return
        self._origin = Origin(self._request.owner, target.scheme, target.host, target.port)
        self._timer = asyncio.get_running_loop().call_later(self._deadline.left_s() + TIMER_SLACK_S, self._expire)
        connection = self._pool.take(self._origin)
        if connection is None:
            self._pool.wait(self._origin, self)
        else:
            self.send_on(connection)

    def abort(self) -> None:
        """Leave it without an outcome."""
        self._is_over = True
        if self._timer is not None:
            self._timer.cancel()
        if self._dialing is not None:
            self._dialing.cancel()
        if self._connection is not None:
            self._leave_connection().abort()

    # Called by the pool.

    def dial(self) -> None:
        """Open a connection and send on it."""
        loop = asyncio.get_running_loop()
        if self._is_over:
            # Not at once: one expired waiter after another would nest ever deeper.
            loop.call_soon(self._pool.give_up, self._origin)
            return
        self._is_reused = False
        self._dialing = loop.create_task(self._dial_and_send())

    def send_on(self, connection: Connection) -> None:
        """Send on a connection that was used before, unless it leads to Booper itself or has closed just now."""
        target = self._prepared.target
        if self._is_over:
            self._pool.put(connection)
        elif self._dialer.policy.is_own(connection.peer, target.port, target.path):
            own = Blocked("blocked_address", f"{target.host} port {target.port} is Booper's own address")
            self._finish(_outcome_of(own, self._deadline))
            self._pool.put(connection)
        elif not connection.is_open:
            self.dial()
        else:
            self._is_reused = True
            self._send(connection)

    # Called by the connection.

    def heard(self) -> None:
        self._has_heard = True
        self._deadline.note_first_byte()

    def answered(self) -> None:
        connection = self._leave_connection()
        self._tell(connection)
        if connection.reader.leaves_open and connection.has_written_all:
            self._pool.put(connection)
        else:
            self._pool.drop(connection)

    def ended(self, properly: bool) -> None:
        connection = self._leave_connection()
        if self._is_reused and not self._has_heard:
            self.dial()
            return
        connection.reader.end(properly)
        self._tell(connection)
        self._pool.drop(connection)

    async def _dial_and_send(self) -> None:
        try:
            connection = await self._dialer.connect(self._prepared.target, self._origin, self._deadline)
        except Exception as error:  # noqa: BLE001 - as in begin
            self._finish(_outcome_of(error, self._deadline))
            self._pool.give_up(self._origin)
            return
        finally:
            self._dialing = None
        self._send(connection)

    def _send(self, connection: Connection) -> None:
        self._connection = connection
        if self.is_sent or self._deadline.elapsed_ms() < LOOK_AFTER_MS:
            self._write(connection)
            return
        connection.reader.expect(self._prepared.verb)
        self._is_asking = True
        self._ask(self, self._go_on)

    def _go_on(self, may_be_sent: bool) -> None:
        if not self._is_asking or self._is_over or self._connection is None:
            return
        self._is_asking = False
        if may_be_sent:
            self._write(self._connection)
            return
        connection = self._leave_connection()
        self._finish(Refused("cancelled", "the job was cancelled before its request went out"))
        self._pool.put(connection)

    def _write(self, connection: Connection) -> None:
        if not self.is_sent:
            self.is_sent = True
            self._sent()
        connection.send(self._prepared.verb, self._prepared.written, self)

    def _expire(self) -> None:
        if self._connection is not None:
            connection = self._leave_connection()
            connection.reader.end(properly=False)
            self._tell(connection, "timeout", self._deadline.text())
            self._pool.drop(connection)
        elif self._dialing is not None:
            self._dialing.cancel()
        else:
            late = Failed("connect", f"no connection to {self._origin.host} came free in time")
            self._finish(_outcome_of(late, self._deadline))

    def _leave_connection(self) -> Connection:
        connection, self._connection = self._connection, None
        assert connection is not None
        connection.release()
        return connection

    def _finish(self, outcome: Outcome) -> None:
        self._is_over = True
        assert self._timer is not None
        self._timer.cancel()
        self._done(self, outcome)

    def _tell(self, connection: Connection, reason: UnreachableReason = "reset", detail: str = CLOSED) -> None:
        """Tell the answer as far as it came; if not even its status did, why."""
        timings = self._deadline.timings()
        try:
            answer = connection.reader.answer()
        except Failed as failed:
            self._finish(Unreachable(failed.reason, failed.detail, timings))
            return
        if answer is None:
            self._finish(Unreachable(reason, detail, timings))
            return
        status_code, headers, body, truncated, unreadable = unpacked(answer)
        self._finish(Answered(status_code, headers, body, truncated, timings, unreadable))


def _outcome_of(error: Exception, deadline: Deadline) -> Outcome:
    if isinstance(error, Blocked):
        return Refused(error.reason, error.detail)
    if isinstance(error, Failed):
        return Unreachable(error.reason, error.detail, deadline.timings(), error.cause)
    # Where it happened; its message may quote headers and is left out.
    frame = traceback.extract_tb(error.__traceback__)[-1]
    where = f"{Path(frame.filename).name}:{frame.lineno}"
    return Unreachable("protocol", f"unexpected {type(error).__name__} at {where}", deadline.timings())
