"""Sends requests, and gives one outcome for each. Nothing else in Booper opens a connection to a target.

It comes after the claim and before the judge. It follows no redirect, keeps no cookies and asks no proxy. All of it
runs on one event loop with a thread of its own, so a slow target costs a few kB and no thread.
"""

import logging
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import Any

from models.rules.address_rules import AddressPolicy
from workers.transport.answer_reader import MAX_BODY_KEPT_BYTES
from workers.transport.deadline import Permission
from workers.transport.dialer import Dialer
from workers.transport.exchange import Exchange
from workers.transport.lookups import Lookups
from workers.transport.loop_thread import LagMeter, LoopThread
from workers.transport.outcome import Outcome
from workers.transport.pool import Pool
from workers.transport.unsent import Unsent
from workers.transport.wire_format import Request

log = logging.getLogger("booper.transport")
MAX_UNSENT = 200  # what waits here counts as attempted and is not, and is lost with its process
AT_ONCE = 16  # how many requests are begun before the loop looks at its sockets again

Ended = tuple[Any, Outcome]  # the key under which a request was submitted, and its outcome
# Takes a key, whether the start is to be counted anew, and a function to be called once with the permission.
IsWanted = Callable[[Any, bool, Callable[[Permission], None]], object]


class Transport:
    """Runs the loop: `start` in each process, after any fork; then `submit` from any thread; then `close`.

    `lookups` replaces the system's resolver (tests); `connections` is how many may stay open unused; `ca_file` holds
    the roots to trust instead of the bundled ones; `kept_bytes` is how much of a body is kept; `note_lag` takes by how
    many seconds the loop is late, often.
    """

    def __init__(
        self,
        policy: AddressPolicy,
        *,
        lookups: Lookups | None = None,
        connections: int = 64,
        ca_file: str | None = None,
        kept_bytes: int = MAX_BODY_KEPT_BYTES,
        note_lag: Callable[[float], object] = lambda _: None,
    ) -> None:
        self._lookups = lookups or Lookups()
        self._dialer = Dialer(policy, self._lookups, ca_file, kept_bytes)
        self._pool = Pool(connections)
        self._thread = LoopThread("transport")
        self._take: Callable[[list[Ended]], None]
        self._is_wanted: IsWanted
        self._was_late: Callable[[Any], object]
        self._under_way: dict[Exchange, Any] = {}
        self._ended: list[Ended] = []
        self.unsent = Unsent(MAX_UNSENT)
        self._lag = LagMeter(self._thread.loop, lambda: bool(self._under_way), note_lag)

    def start(
        self,
        take: Callable[[list[Ended]], None],
        is_wanted: IsWanted | None = None,
        was_late: Callable[[Any], object] = lambda _: None,
    ) -> None:
        """Start the loop, which calls each of these functions.

        `take` gets the requests that have ended since its last call, with their outcomes. `is_wanted` is asked about a
        request that has waited before it goes out: the request goes, or not, when the answer comes. `was_late` gets the
        key of a request that went out later than its start was counted. Raises RuntimeError when the system gives no
        thread."""
        self._take, self._is_wanted, self._was_late = take, is_wanted or _always_wanted, was_late
        self._thread.start()

    def submit(self, requests: Iterable[tuple[Any, Request]]) -> None:
        """Send these requests, each under a key. All are handed over in one step."""
        parts = self._may_go, self.unsent.take, self._note_late, self._end, self._dialer, self._pool
        exchanges = [(key, Exchange(request, *parts)) for key, request in requests]
        self.unsent.add(len(exchanges))
        self._thread.call(self._begin, iter(exchanges))

    def close(self) -> None:
        """Leave what is under way without an outcome, close every connection, end the thread."""
        if self._thread.is_running:
            self._thread.call(self._close)
            self._thread.stop()
        self._lookups.close()

    def _begin(self, exchanges: Iterator[tuple[Any, Exchange]]) -> None:
        """Begin some, and the others after what came meanwhile."""
        some = list(islice(exchanges, AT_ONCE))
        for key, exchange in some:
            self._under_way[exchange] = key
            exchange.begin()
        self._lag.watch()
        if len(some) == AT_ONCE:
            self._thread.loop.call_soon(self._begin, exchanges)

    def _may_go(self, exchange: Exchange, count_anew: bool, answer: Callable[[Permission], None]) -> None:
        self._is_wanted(self._under_way[exchange], count_anew, answer)

    def _note_late(self, exchange: Exchange) -> None:
        self._was_late(self._under_way[exchange])

    def _end(self, exchange: Exchange, outcome: Outcome) -> None:
        if not self._ended:
            self._thread.loop.call_soon(self._hand_over)
        if not exchange.is_sent:
            self.unsent.take()
        self._ended.append((self._under_way.pop(exchange), outcome))

    def _hand_over(self) -> None:
        ended, self._ended = self._ended, []
        try:
            self._take(ended)
        except Exception:
            log.exception("%d outcomes were not taken", len(ended))

    def _close(self) -> None:
        for exchange in self._under_way:
            exchange.abort()
        self._under_way.clear()
        self._pool.idle.close()


def _always_wanted(_key: Any, _count_anew: bool, answer: Callable[[Permission], None]) -> None:
    answer(Permission(True))
