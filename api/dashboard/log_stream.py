"""Owns the live tails of the log: server-sent events with what appeared since the last look.

A tail keeps one of the server's few threads, so a process gives out `STREAMS` at once and ends each after `LASTS_S`, or
when the process stops; the browser comes back by itself and says until when it has heard. Who gets none asks for the
page again every few seconds. Of what appears within a second the newest `SHOWN` are told.
"""

import json
import threading
import time
from collections.abc import Callable, Iterator

from api.dashboard import sessions
from api.dashboard.sessions import Session
from models.database.connection import Unreachable, connection
from models.database.paging import NEWEST_FIRST, PageRequest
from models.jobs import log_entries
from models.jobs.log_entries import LogEntryRow, LogFilter
from models.rules import clock

SHOWN = 50
STREAMS = 3
LASTS_S = 25.0
LOOK_EVERY_S = 1.0
OVERLAP_US = 10 * clock.SECOND  # entries of one transaction may appear this much after their instant
free = threading.BoundedSemaphore(STREAMS)
stopping = threading.Event()  # set when the process stops, for good


class Tail:
    """One live tail of a visitor. `events` yields text; no connection is held between two looks; what it tells may have
    been told before, by another tail. `since`: the instant until which its reader has heard. `end` may be called
    twice."""

    def __init__(
        self, account_id: int, session: Session, asked: LogFilter, since: int, as_html: Callable[[LogEntryRow], str]
    ) -> None:
        self._account_id, self._session, self._asked, self._as_html = account_id, session, asked, as_html
        self._oldest = since - OVERLAP_US
        self._seen: set[str] = set()
        self._ended = threading.Lock()

    def events(self) -> Iterator[str]:
        ends_s = time.monotonic() + LASTS_S
        yield "retry: 1000\n\n"
        while time.monotonic() < ends_s:
            now = clock.now()
            try:
                with connection():
                    if sessions.account_of(self._session) is None:
                        return
                    rows = self.fresh()
            except Unreachable:
                return
            yield "".join(f"data: {json.dumps(self._as_html(row))}\n\n" for row in rows) + f"id: {now}\n\n"
            if stopping.wait(LOOK_EVERY_S):
                return

    def fresh(self) -> list[LogEntryRow]:
        """What appeared since the last look, oldest first."""
        rows = log_entries.listed(self._account_id, self._asked, PageRequest(NEWEST_FIRST, SHOWN)).rows
        fresh = [row for row in rows if row.inserted_at > self._oldest and row.uuid not in self._seen]
        self._seen = {row.uuid for row in rows}
        return fresh[::-1]

    def end(self) -> None:
        if self._ended.acquire(blocking=False):
            free.release()
