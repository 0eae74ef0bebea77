"""Hands the connections of PostgreSQL out to threads, and keeps those that come back.

No lock is held while a connection opens: peewee's own pool holds two, so while one thread waits for a silent database,
others could neither connect nor give a connection back. When an opened connection is not answered, the process gets by
for SCARCE_S with those it has: behind a pooler no more may be free. If these don't come back either, the database is
silent; then one thread at a time tries it, and the others fail at once.
"""

import logging
import select
import threading
import time
from collections import deque
from typing import Any

import psycopg
from peewee import OperationalError, PostgresqlDatabase
from playhouse.pool import MaxConnectionsExceeded
from psycopg.pq import TransactionStatus

from models.database.postgres import Connection, Limits, Silent, connect

log = logging.getLogger("booper.database")
TRUSTED_S = 0.1
SCARCE_S = 10.0
SILENT_AFTER_S = 1.0


class Postgres(PostgresqlDatabase):
    """PostgreSQL with a pool that notices idle connections which the server has closed.

    The pool trusts a connection for TRUSTED_S after it was returned or checked. A check of each one would release the
    interpreter while the pool is locked, and all threads would wait for it.
    """

    dialect = "postgresql"
    _state: Any  # peewee's, one for each thread

    def __init__(self, url: str, connections: int, limits: Limits) -> None:
        super().__init__(url, prefer_psycopg3=True)
        self.connections, self.limits = connections, limits
        self._idle: deque[Connection] = deque()
        self._used: set[Connection] = set()
        self._opening = 0
        self._scarce_until_s = self._sound_at_s = 0.0
        self._changed = threading.Condition()

    @property
    def in_use(self) -> int:
        """How many connections threads hold, at work or kept."""
        return len(self._used)

    @property
    def has_room(self) -> bool:
        """Whether a thread may keep its connection while it has nothing to do."""
        return 2 * len(self._used) <= self._limit(time.monotonic())

    def connect(self, reuse_if_open: bool = False) -> bool:
        """Connect this thread; whether it was not connected before."""
        if not self._state.closed:
            if reuse_if_open:
                return False
            raise OperationalError("Connection already opened.")
        self._state.reset()
        connection = self._connect()
        self._state.set_connection(connection)
        self.server_version = connection.info.server_version
        return True

    def manual_close(self) -> bool:
        """Close this thread's connection, so that no other gets it."""
        if self.is_closed():
            return False
        connection = self._state.conn
        self._state.reset()
        self._close(connection, close_conn=True)
        return True

    def rollback(self) -> None:
        """Roll back unless the connection is gone, and the transaction with it. A rollback would fail and hide the
        first error, which says whether the database is silent."""
        if self.is_closed() or not self.connection().closed:
            super().rollback()

    def close_all(self) -> None:
        """Close every connection, also those of other threads."""
        self.manual_close()
        with self._changed:
            connections = [*self._idle, *self._used]
            self._idle.clear()
            self._used.clear()
        for connection in connections:
            connection.close()

    def is_stale(self, connection: Connection) -> bool:
        """Whether an idle connection can no longer be used."""
        if connection.closed or connection.pgconn.transaction_status != TransactionStatus.IDLE:
            return True
        now_s = time.monotonic()
        if now_s - connection.sound_at_s < TRUSTED_S:
            return False
        # The server sends nothing on an idle connection but its good-bye (restart, fail-over).
        poll = select.poll()
        poll.register(connection.fileno(), select.POLLIN)
        if poll.poll(0):
            return True
        connection.sound_at_s = now_s
        return False

    def _connect(self) -> Connection:
        until_s = time.monotonic() + 2 * self.limits.connect_s
        while not (connection := self._take_idle(until_s)):
            try:
                return self._open()
            except OperationalError:
                if not (self._is_scarce(time.monotonic()) and (self._used or self._idle)):
                    raise
        return connection

    def _close(self, connection: Connection, close_conn: bool = False) -> None:
        """Take a connection back from a thread."""
        connection.sound_at_s = time.monotonic()
        with self._changed:
            self._used.discard(connection)
            if not close_conn:
                self._idle.append(connection)
                self._sound_at_s = connection.sound_at_s
            self._changed.notify()
        if close_conn:
            connection.close()

    def _take_idle(self, until_s: float) -> Connection | None:
        """An idle connection; None: there is none, and room for a new one is reserved."""
        with self._changed:
            while True:
                while self._idle:
                    connection = self._idle.pop()
                    if not self.is_stale(connection):
                        self._used.add(connection)
                        return connection
                    connection.close()
                now_s = time.monotonic()
                if len(self._used) + self._opening < self._limit(now_s):
                    self._opening += 1
                    return None
                if self._is_scarce(now_s) and now_s - self._sound_at_s > SILENT_AFTER_S:
                    raise OperationalError("the database does not answer, and another thread waits for it already")
                if now_s >= until_s:
                    raise MaxConnectionsExceeded(f"all {self._limit(now_s)} connections of this process are in use")
                self._changed.wait(until_s - now_s)  # what comes back as the time ends, nobody else is woken for

    def _is_scarce(self, now_s: float) -> bool:
        return now_s < self._scarce_until_s

    def _limit(self, now_s: float) -> int:
        """How many connections there may be just now."""
        return max(1, len(self._used) + len(self._idle)) if self._is_scarce(now_s) else self.connections

    def _open(self) -> Connection:
        """A new connection, for which room is reserved."""
        connection = None
        try:
            connection = connect(self.database, self.limits)
        except psycopg.Error as error:
            if isinstance(error, psycopg.errors.ConnectionTimeout | Silent):
                self._note_scarcity()
            raise OperationalError(str(error)) from error
        finally:
            with self._changed:
                self._opening -= 1
                if connection is not None:
                    self._used.add(connection)
                    self._sound_at_s, self._scarce_until_s = time.monotonic(), 0.0
                self._changed.notify()
        return connection

    def _note_scarcity(self) -> None:
        now_s, count = time.monotonic(), len(self._used) + len(self._idle)
        if count and not self._is_scarce(now_s):
            log.warning(
                "no further connection to the database within %s s; this process gets by with the %d it has. A pooler, "
                "or max_connections, must allow as many as all processes use: see BOOPER_DATABASE_CONNECTIONS",
                self.limits.connect_s,
                count,
            )
        self._scarce_until_s = now_s + SCARCE_S
