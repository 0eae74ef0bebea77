"""Names to addresses, with a limit: getaddrinfo knows none, so it runs in a bounded pool of threads.

A lookup that hangs holds one of these threads, never a sender; one account holds at most half of those that
a name may use, and when all are held, further lookups fail after the limit. Every call is one lookup: nothing
is kept, so a name is judged on the very answer that is connected to.
"""

import socket
import threading
from typing import Protocol

from workers.transport.lookup_queue import Lane, Lookup
from workers.transport.outcome import Failed, UnreachableReason

LIMIT_S = 5.0
LANES = 32
THREADS_PER_LANE = 8  # all together as many as a process has slots, unless that was set higher
_JOIN_S = 0.01


class Resolves(Protocol):
    """What the transport needs of a resolver; tests give their own."""

    def addresses(self, host: str, port: int, within_s: float, owner: int) -> list[str]:
        """The addresses of a name in the order to try them; Failed("dns") when there are none in time. `owner`: whose
        job asks."""

    def close(self) -> None:
        """End its threads, waiting for none that hangs."""


class Resolver:
    """The system's resolver. Thread-safe: lookups pass through lanes, each answer through its own Future.

    A name belongs to one of the `lanes` by its last two labels, so that a domain whose name servers hang
    holds up only the lookups of its own lane. The threads start at the first lookup (so after any fork) and
    are daemons, since a hung getaddrinfo cannot be ended.
    """

    def __init__(self, lanes: int = LANES, threads_per_lane: int = THREADS_PER_LANE, limit_s: float = LIMIT_S):
        self._limit_s = limit_s
        self._threads_per_lane = threads_per_lane
        self._lanes = [Lane(threads_per_lane) for _ in range(lanes)]
        self._threads: list[threading.Thread] = []
        self._closed = False
        self._lock = threading.Lock()

    def addresses(self, host: str, port: int, within_s: float, owner: int) -> list[str]:
        self._start()
        lookup, lane = Lookup(host, port, owner), self._lane_of(host)
        lane.put(lookup)
        try:
            return lookup.answer.result(min(within_s, self._limit_s))
        except TimeoutError:
            lookup.answer.cancel()
            lane.drop(lookup)
            reason: UnreachableReason = "timeout" if within_s <= self._limit_s else "dns"
            raise Failed(reason, f"no answer to the lookup of {host} in time") from None
        except (OSError, UnicodeError) as error:
            why = getattr(error, "strerror", None) or "no name that can be looked up"
            raise Failed("dns", f"the lookup of {host} failed: {why}") from None

    def close(self) -> None:
        """Tell every thread to end and join those that do at once; lookups after this one fail."""
        with self._lock:
            threads, self._closed = list(self._threads), True
        for lane in self._lanes:
            lane.close()
        for thread in threads:
            thread.join(_JOIN_S)

    def _lane_of(self, host: str) -> Lane:
        return self._lanes[hash(tuple(host.split(".")[-2:])) % len(self._lanes)]

    def _start(self) -> None:
        with self._lock:
            if self._closed:
                raise Failed("dns", "the resolver is closed")
            if self._threads:
                return
            self._threads = [
                threading.Thread(target=_work, args=(lane,), name=f"resolver-{number}", daemon=True)
                for number, lane in enumerate(self._lanes)
                for _ in range(self._threads_per_lane)
            ]
            for thread in self._threads:
                thread.start()


def _work(lane: Lane) -> None:
    while (lookup := lane.take()) is not None:
        if lookup.answer.set_running_or_notify_cancel():
            try:
                lookup.answer.set_result(_look_up(lookup.host, lookup.port))
            except (OSError, UnicodeError) as error:
                lookup.answer.set_exception(error)
        lane.give(lookup)


def _look_up(host: str, port: int) -> list[str]:
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(sockaddr[0]) for *_, sockaddr in found))
