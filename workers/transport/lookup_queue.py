"""Owns whose lookup is next: the waiting lookups of one group of threads, of which no account holds more than half.

An attempt gives up its lookup after seconds and its slot comes free; the thread hangs on. Without a share one account
with many hanging names would hold every thread.
"""

import threading
from collections import Counter
from concurrent.futures import Future


class Lookup:
    """One name to look up for an owner (an account's id); `answer` will hold its addresses."""

    def __init__(self, host: str, port: int, owner: int) -> None:
        self.host, self.port, self.owner = host, port, owner
        self.answer: Future[list[str]] = Future()


class Lane:
    """The lookups that wait for the threads of one lane, of which one owner holds at most half. Thread-safe by one
    condition over all of it."""

    def __init__(self, threads: int) -> None:
        self._share = max(1, threads // 2)
        self._waiting: list[Lookup] = []
        self._held: Counter[int] = Counter()
        self._closed = False
        self._changed = threading.Condition()

    def put(self, lookup: Lookup) -> None:
        with self._changed:
            self._waiting.append(lookup)
            self._changed.notify()

    def take(self) -> Lookup | None:
        """The lookup that has waited longest among those whose owner has a thread left; None when closed."""
        with self._changed:
            while not self._closed:
                for number, lookup in enumerate(self._waiting):
                    if self._held[lookup.owner] < self._share:
                        self._held[lookup.owner] += 1
                        return self._waiting.pop(number)
                self._changed.wait()
        return None

    def give(self, lookup: Lookup) -> None:
        """The thread that took it is free again."""
        with self._changed:
            self._held[lookup.owner] -= 1
            if not self._held[lookup.owner]:
                del self._held[lookup.owner]
            self._changed.notify()

    def drop(self, lookup: Lookup) -> None:
        """Nobody waits for it any more."""
        with self._changed:
            if lookup in self._waiting:
                self._waiting.remove(lookup)

    def close(self) -> None:
        with self._changed:
            self._closed = True
            self._changed.notify_all()
