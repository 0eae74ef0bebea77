"""Owns the election of the one ticker that leads: a lock which the operating system or the database frees by itself
when its holder dies.

PostgreSQL: a session's advisory lock on a connection of its own; when the connection breaks, the lead is lost and
`hold` says so at its next call. SQLite: a lock on a file beside the database, for the life of the process. Two leaders
for a moment do no harm: everything a ticker does is a guarded update.
"""

import fcntl
from pathlib import Path
from typing import Any, Protocol

import psycopg

from models.database import database, dialect

LOCK = 0x626F6F71  # any constant shared by all tickers


class Lead(Protocol):
    def hold(self) -> bool:
        """Whether the caller leads now, taking the lead if it is free. Never waits longer than a connection takes."""

    def give_up(self) -> None:
        """Let another one lead."""


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

    def hold(self) -> bool:
        try:
            if self.connection is None:
                self.connection = psycopg.connect(
                    self.url,
                    autocommit=True,
                    connect_timeout=5,
                    application_name="booper ticker",
                    options="-c statement_timeout=5000",
                )
            question = "SELECT true" if self.held else f"SELECT pg_try_advisory_lock({LOCK})"
            row = self.connection.execute(question).fetchone()
        except psycopg.Error:
            self.give_up()
            return False
        self.held = bool(row and row[0])
        return self.held

    def give_up(self) -> None:
        self.held = False
        if self.connection is not None:
            self.connection.close()
            self.connection = None
