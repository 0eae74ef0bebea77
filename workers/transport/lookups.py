"""Looks up the addresses of names, with a limit: getaddrinfo knows none, so it runs in threads.

A name that is being looked up is not looked up a second time beside: whoever asks for it meanwhile gets the same
answer. Nothing is kept after that, so a name is judged on the very answer that is connected to.
"""

import asyncio
import contextlib
import queue
import socket
import threading
from collections.abc import Callable

from workers.transport import causes
from workers.transport.connection import TIMER_SLACK_S
from workers.transport.lookup_queue import Lookup, LookupQueue
from workers.transport.outcome import Failed

LIMIT_S = 5.0
THREADS = 256
THREADS_PER_DOMAIN = 8
_JOIN_S = 0.01


def system_lookup(host: str, port: int) -> list[str]:
    """The addresses of a name in the order of the system's preference, each once."""
    entries = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(address[0]) for *_, address in entries))


class Lookups:
    """Gives `addresses` on the loop alone. The threads are started as they are needed, and are daemons, since a hung
    getaddrinfo cannot be ended."""

    def __init__(
        self,
        look_up: Callable[[str, int], list[str]] = system_lookup,
        threads: int = THREADS,
        threads_per_domain: int = THREADS_PER_DOMAIN,
        limit_s: float = LIMIT_S,
    ) -> None:
        self._look_up, self._limit_s = look_up, limit_s
        self._queue = LookupQueue(threads, threads_per_domain)
        self._known: dict[tuple[str, int], Lookup] = {}  # waiting or in a thread
        self._threads: list[threading.Thread] = []
        self._idle = 0
        self._work: queue.SimpleQueue[Lookup | None] = queue.SimpleQueue()

    async def addresses(self, host: str, port: int, account_id: int) -> list[str]:
        """The addresses of a name; Failed("dns") when there are none within the limit."""
        lookup = self._known.get((host, port))
        if lookup is None:
            lookup = Lookup(host, port, account_id, asyncio.get_running_loop().create_future())
            self._known[host, port] = lookup
            self._queue.put(lookup)
        lookup.waiters += 1
        self._start_next()
        try:
            await asyncio.wait([lookup.answer], timeout=self._limit_s + TIMER_SLACK_S)
        finally:
            lookup.waiters -= 1
        return addresses_of(lookup)

    def close(self) -> None:
        """Tell every thread to end, and wait for none that hangs."""
        for _ in self._threads:
            self._work.put(None)
        for thread in self._threads:
            thread.join(_JOIN_S)

    def _start_next(self) -> None:
        while (lookup := self._queue.take()) is not None:
            if not lookup.waiters:  # its attempts ended before its turn came
                self._forget(lookup)
                continue
            try:
                self._hand_to_thread(lookup)
            except RuntimeError as error:  # the system gives no further thread
                self._forget(lookup)
                lookup.answer.set_result(error)

    def _hand_to_thread(self, lookup: Lookup) -> None:
        if self._idle:
            self._idle -= 1
        else:
            self._add_thread()
        self._work.put(lookup)

    def _forget(self, lookup: Lookup) -> None:
        del self._known[lookup.host, lookup.port]
        self._queue.give(lookup)

    def _add_thread(self) -> None:
        name, loop = f"lookup-{len(self._threads) + 1}", asyncio.get_running_loop()
        thread = threading.Thread(target=self._run, args=(loop,), name=name, daemon=True)
        thread.start()
        self._threads.append(thread)

    def _run(self, loop: asyncio.AbstractEventLoop) -> None:
        while (lookup := self._work.get()) is not None:
            answer: list[str] | Exception
            try:
                answer = self._look_up(lookup.host, lookup.port)
            except Exception as error:  # noqa: BLE001 - whatever it is, the attempts that wait for it have failed
                answer = error
            with contextlib.suppress(RuntimeError):  # the loop has ended
                loop.call_soon_threadsafe(self._end, lookup, answer)

    def _end(self, lookup: Lookup, answer: list[str] | Exception) -> None:
        self._idle += 1
        self._forget(lookup)
        lookup.answer.set_result(answer)
        self._start_next()


def addresses_of(lookup: Lookup) -> list[str]:
    """What came of it; Failed("dns") when nothing did."""
    answer = lookup.answer.result() if lookup.answer.done() else TimeoutError(None, "no answer in time")
    if isinstance(answer, Exception):
        why = getattr(answer, "strerror", None) or type(answer).__name__
        raise Failed("dns", f"the lookup of {lookup.host} failed: {why}", causes.of_lookup(answer))
    return answer
