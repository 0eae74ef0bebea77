"""Makes one attempt on the loop: from the request to its outcome, under one deadline.

The pool says on which connection it goes out. A reused connection that closes before a byte of an answer came had been
closed by the target before it saw the request, as far as anybody can tell (RFC 9112, 9.3.1): the request goes out once
more, on a new connection, as the same attempt.
"""

import asyncio
from collections.abc import Callable

from models.rules.url_rules import Target
from workers.transport.connection import TIMER_SLACK_S, Connection, Origin
from workers.transport.content_codings import unpacked
from workers.transport.deadline import ASKS, LATE_MS, TOO_LATE_MS, Deadline, Permission, Start
from workers.transport.dialer import Dialer
from workers.transport.outcome import Blocked, Failed, Outcome, Refused, Unreachable, UnreachableReason, outcome_of
from workers.transport.pool import Pool
from workers.transport.wire_format import Request, target_of, to_wire

CLOSED = "the target closed the connection before it answered"
MayGo = Callable[["Exchange", bool, Callable[[Permission], None]], object]


class Exchange:
    """Starts with `begin` and never raises; belongs to the loop alone.

    A request that is about to go out late asks first: `may_go` calls back once, on the loop, whether it still may be
    sent, after it has counted the start anew if it was told to. No task waits for that: in a drain most requests ask,
    and a task would cost more than the question. `sent` is called when the request goes out, `was_late` once it has
    gone later than its start was counted, and `done` with the outcome.
    """

    def __init__(
        self,
        request: Request,
        may_go: MayGo,
        sent: Callable[[], None],
        was_late: Callable[["Exchange"], None],
        done: Callable[["Exchange", Outcome], None],
        dialer: Dialer,
        pool: Pool,
    ) -> None:
        self._request, self._may_go, self._sent, self._done = request, may_go, sent, done
        self._was_late = was_late
        self._dialer, self._pool = dialer, pool
        self._deadline, self._start = Deadline(request.timeout_ms), Start(request.starts_at_ns)
        self._target: Target
        self._written: bytes
        self._origin: Origin
        self._timer: asyncio.TimerHandle
        self._dialing: asyncio.Task[None] | None = None
        self._has_begun_to_dial = False
        self._questions = 0  # asked so far
        self._connection: Connection | None = None  # that carries the request
        self._is_reused = self._has_heard = self._is_served = self.is_sent = False
        self._is_timed = True  # nothing was written whose lateness is not known yet

    def begin(self) -> None:
        try:
            self._target = target = target_of(self._request)
            self._written = to_wire(self._request, target)
            if self._dialer.policy.is_own_origin(target.host, target.port, target.path):
                raise Blocked("blocked_address", f"{target.host} port {target.port} is in BOOPER_PUBLIC_URLS")
        except Exception as error:  # noqa: BLE001 - the loop must outlive whatever a target or a job provokes
            self._done(self, outcome_of(error, self._deadline.timings()))
            return
        self._origin = Origin(self._request.owner, target.scheme, target.host, target.port)
        if wait_s := self._start.ahead_s():
            self._timer = asyncio.get_running_loop().call_later(wait_s, self._begin_in_turn)
        else:
            self._serve()

    def abort(self) -> None:
        """Leave it without an outcome."""
        self._timer.cancel()
        if self._is_served:
            self._pool.leave(self._origin, self)
        if self._dialing is not None:
            self._dialing.cancel()
        if self._connection is not None:
            self._leave_connection().abort()

    # Called by the pool.

    def dial(self) -> None:
        self._is_reused = self._has_begun_to_dial = False
        self._dialing = asyncio.get_running_loop().create_task(self._dial_and_send())

    def send_on(self, connection: Connection) -> None:
        """Send on it, unless it leads to Booper itself or has closed just now."""
        target = self._target
        if self._dialer.policy.is_own(connection.peer, target.port, target.path):
            self._finish(Refused("blocked_address", f"{target.host} port {target.port} is Booper's own address"))
            # Not at once: one refused sender after another would nest ever deeper.
            asyncio.get_running_loop().call_soon(self._pool.put, connection)
        elif connection.is_open:
            self._is_reused = True
            self._write_or_ask(connection)
        else:
            self.dial()

    # Called by the connection.

    def heard(self) -> None:
        self._has_heard = True
        self._deadline.note_first_byte()

    def answered(self) -> None:
        connection = self._leave_connection()
        self._finish_with_answer(connection)
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
        self._finish_with_answer(connection)
        self._pool.drop(connection)

    def _begin_in_turn(self) -> None:
        self._deadline = Deadline(self._request.timeout_ms)
        self._serve()

    def _serve(self) -> None:
        self._is_served = True
        self._timer = asyncio.get_running_loop().call_later(self._deadline.left_s() + TIMER_SLACK_S, self._expire)
        self._pool.serve(self._origin, self)

    async def _dial_and_send(self) -> None:
        self._has_begun_to_dial = True
        try:
            connection = await self._dialer.connect(self._target, self._origin, self._deadline)
        except Exception as error:  # noqa: BLE001 - as in begin
            self._finish(outcome_of(error, self._deadline.timings()))
            self._pool.give_up(self._origin)
            return
        self._dialing = None
        self._write_or_ask(connection)

    def _write_or_ask(self, connection: Connection) -> None:
        if (self.is_sent or not self._start.is_slow()) and not self._start.is_late(TOO_LATE_MS):
            self._write(connection)
            return
        self._connection = connection
        connection.reader.expect(self._request.method)
        self._ask()

    def _ask(self) -> None:
        self._questions += 1
        self._may_go(self, self._start.is_late(TOO_LATE_MS), self._hear_permission)

    def _hear_permission(self, permission: Permission) -> None:
        """Write; or ask again, if the answer took so long that the request would go out too late all the same."""
        if self._connection is None:
            return  # the time was over before the answer came
        if permission.counted_ns is not None:
            self._start.count_anew(permission.counted_ns)
        if not permission.is_given:
            connection = self._leave_connection()
            reason = "the job was cancelled, or its turn was over, before its request went out"
            self._finish(Refused("cancelled", reason))
            # Not at once, as in send_on.
            asyncio.get_running_loop().call_soon(self._pool.put, connection)
        elif self._questions < ASKS and self._start.is_late(TOO_LATE_MS):
            self._ask()
        else:
            self._write(self._connection)

    def _write(self, connection: Connection) -> None:
        self._connection = connection
        if self._start.is_counted:
            self._is_timed = False
            asyncio.get_running_loop().call_soon(self._note_late)  # the loop may write at the end of this iteration
        if not self.is_sent:
            self.is_sent = True
            self._sent()
        connection.send(self._request.method, self._written, self)

    def _note_late(self) -> None:
        if not self._is_timed and self._start.is_late(LATE_MS):
            self._was_late(self)
        self._is_timed = True

    def _expire(self) -> None:
        if self._connection is not None:
            connection = self._leave_connection()
            connection.reader.end(properly=False)
            self._finish_with_answer(connection, "timeout", self._deadline.text())
            self._pool.drop(connection)
        elif self._dialing is None:
            self._pool.leave(self._origin, self)
            late = f"no connection to {self._origin.host} came free in time"
            self._finish(Unreachable("connect", late, self._deadline.timings()))
        elif self._has_begun_to_dial:
            self._dialing.cancel()  # it says why nobody answered
        else:
            # Not at once: what is cancelled before its first step runs nothing of it, and says nothing.
            asyncio.get_running_loop().call_soon(self._dialing.cancel)

    def _leave_connection(self) -> Connection:
        connection, self._connection = self._connection, None
        assert connection is not None
        connection.release()
        return connection

    def _finish_with_answer(
        self, connection: Connection, reason: UnreachableReason = "reset", detail: str = CLOSED
    ) -> None:
        """Finish with the answer as far as it came; if not even its status did, with why."""
        timings = self._deadline.timings()
        try:
            answered = connection.reader.answer(timings)
        except Failed as failed:
            self._finish(outcome_of(failed, timings))
        else:
            self._finish(
                unpacked(answered, connection.reader.kept_bytes) if answered else Unreachable(reason, detail, timings)
            )

    def _finish(self, outcome: Outcome) -> None:
        self._timer.cancel()
        self._note_late()  # the answer may have come in the same iteration
        self._done(self, outcome)
