"""Elects the one ticker that leads, by a lock that the operating system or the database frees when its holder dies.

PostgreSQL: an advisory lock of a session, on a connection of its own. When the connection breaks, the lead is lost and
`hold` says so at its next call. A ticker that stands by takes the lock from a leader that gives no sign of life.
SQLite: a lock on a file beside the database, for the life of the process. Two leaders for a moment do no harm:
everything a ticker does is a guarded update.
"""

import contextlib
import fcntl
import logging
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import psycopg

from models.database import postgres
from models.database.connection import database, dialect
from models.operations.ticker_row import SEEN_AT_SQL, SILENT_S

log = logging.getLogger("booper.leader")

OF_LEAD = postgres.Limits(connect_s=5, reply_s=5.0, statement="4500ms", lock="4s")
LOCK = 0x626F6F71  # any constant shared by all tickers
HOLDS = (
    f"locktype = 'advisory' AND granted AND classid = 0 AND objid = {LOCK} "
    "AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
)
LOOK = f"SELECT (SELECT max(pid) FROM pg_locks WHERE {HOLDS}), ({SEEN_AT_SQL})"
# Ends the session that holds the lock in this database, if it is still the one that was silent: a leader that is frozen
# or cut off can't free it itself.
TAKE_AWAY = f"SELECT count(pg_terminate_backend(pid)) FROM pg_locks WHERE {HOLDS} AND pid = %s"


class Sign(NamedTuple):
    """A sign of life: the session that holds the lock (None: nobody does), and when its ticker was last seen."""

    pid: int | None
    seen_at: int | None


class Lead(Protocol):
    def hold(self) -> bool:
        """Whether the caller leads now, taking the lead if it is free. Never waits longer than a connection takes."""

    def give_up(self) -> None:
        """Let another one lead."""


steady_s = time.monotonic


def candidate() -> Lead:
    """A candidate for the lead over the opened database."""
    if dialect() == "postgresql":
        return PostgresLead(database.obj.database)
    return FileLead(Path(f"{database.obj.database}.ticker"))


class FileLead:
    def __init__(self, path: Path) -> None:
        self.path = path
        self.file: Any = None

    def hold(self) -> bool:
        if self.file is not None:
            return True
        file = self.path.open("w")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.close()
            return False
        self.file = file
        return True

    def give_up(self) -> None:
        if self.file is not None:
            self.file.close()
            self.file = None


class PostgresLead:
    def __init__(self, url: str) -> None:
        self.url = url
        self.connection: psycopg.Connection[Any] | None = None
        self.held = False
        self._seen = Sign(None, None)  # the latest of the leader
        self._seen_s = 0.0  # when it was new here

    def hold(self) -> bool:
        try:
            if self.connection is None:
                self.connection = self._connect()
            self.held = self.held and self._query("SELECT true")
            self.held = self.held or self._query(f"SELECT pg_try_advisory_lock({LOCK})")
            if not self.held and self._is_silent(steady_s()):
                log.warning("the leading ticker gave no sign of life for %s s: its lock is taken away", SILENT_S)
                self._query(TAKE_AWAY, (self._seen.pid,))
        except psycopg.Error:
            self.give_up()
        return self.held

    def give_up(self) -> None:
        self.held = False
        if self.connection is not None:
            with contextlib.suppress(psycopg.Error):
                self.connection.close()
            self.connection = None

    def _connect(self) -> psycopg.Connection[Any]:
        return postgres.connect(self.url, OF_LEAD, "booper ticker")

    def _query(self, sql: Any, params: Sequence[Any] = ()) -> bool:
        assert self.connection is not None
        row = self.connection.execute(sql, params).fetchone()
        return bool(row and row[0])

    def _is_silent(self, now_s: float) -> bool:
        """Whether the leader's sign of life has stood still too long, by this machine's steady clock. The count begins
        anew with each new leader: it has yet to give its first sign."""
        assert self.connection is not None
        seen = Sign(*self.connection.execute(LOOK).fetchone() or (None, None))
        if seen != self._seen:
            self._seen, self._seen_s = seen, now_s
        return seen.pid is not None and now_s - self._seen_s > SILENT_S
