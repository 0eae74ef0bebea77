"""Streams the live log to browsers: server-sent events with the entries that are new since the last look.

A stream holds one of the server's few threads (`api/held_threads.py`). So it ends after `LASTS_S`, or when the process
stops. The browser connects again by itself and names the instant of
its last event. A browser that gets no stream loads the page again every few seconds. When more than `SHOWN` entries are
new, the newest are sent.
"""

import json
import threading
import time
from collections.abc import Callable, Iterator

from api import held_threads
from api.dashboard import sessions
from api.dashboard.sessions import Session
from models.database.connection import Unreachable, connection
from models.database.paging import NEWEST_FIRST, PageRequest
from models.jobs import log_entries
from models.jobs.log_entries import LogEntryRow, LogFilter
from models.rules import clock
from runtime import signals

SHOWN = 50
LASTS_S = 25.0
LOOK_EVERY_S = 1.0
OVERLAP_US = 10 * clock.SECOND  # an entry may appear this long after its instant, when its transaction ends late


class Tail:
    """One stream of a visitor. `events` yields text and holds no connection between two looks. It may repeat entries
    that an earlier stream sent. `since`: the instant up to which the browser has seen the log."""

    def __init__(
        self, account_id: int, session: Session, filter: LogFilter, since: int, as_html: Callable[[LogEntryRow], str]
    ) -> None:
        self._account_id, self._session, self._filter, self._as_html = account_id, session, filter, as_html
        self._oldest = since - OVERLAP_US
        self._sent: set[str] = set()
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
                    rows = self.new_entries()
            except Unreachable:
                return
            yield "".join(f"data: {json.dumps(self._as_html(row))}\n\n" for row in rows) + f"id: {now}\n\n"
            if signals.stopping.wait(LOOK_EVERY_S):
                return

    def new_entries(self) -> list[LogEntryRow]:
        """The entries since the last look, oldest first."""
        rows = log_entries.listed(self._account_id, self._filter, PageRequest(NEWEST_FIRST, SHOWN)).rows
        new = [row for row in rows if row.inserted_at > self._oldest and row.uuid not in self._sent]
        self._sent = {row.uuid for row in rows}
        return new[::-1]

    def end(self) -> None:
        """Free the stream's place. It may be called twice."""
        if self._ended.acquire(blocking=False):
            held_threads.places.free(self._account_id)
