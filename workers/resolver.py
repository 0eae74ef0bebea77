"""Names to addresses, with a limit: getaddrinfo knows none, so it runs in a bounded pool of threads.

A lookup that hangs holds one of these threads, never a sender; when all are held, further lookups fail
after the limit. Every call is one lookup: nothing is kept, so a name is judged on the very answer that is
connected to.
"""

import queue
import socket
import threading
from concurrent.futures import Future
from typing import Protocol

from workers.outcome import Failed

LIMIT_S = 5.0
THREADS = 16


class Resolves(Protocol):
    """What the transport needs of a resolver; tests give their own."""

    def addresses(self, host: str, port: int, within_s: float) -> list[str]:
        """The addresses of a name in the order to try them; Failed("dns") when there are none in time."""

    def close(self) -> None:
        """End its threads, waiting for none that hangs."""


class Resolver:
    """The system's resolver. Thread-safe: lookups pass through one queue, each answer through its own
    Future. The threads are started at the first lookup (so after any fork) and are daemons, since a hung
    getaddrinfo cannot be ended.
    """

    def __init__(self, threads: int = THREADS, limit_s: float = LIMIT_S) -> None:
        self._limit_s = limit_s
        self._lookups: queue.SimpleQueue[tuple[Future[list[str]], str, int] | None] = queue.SimpleQueue()
        self._threads = [
            threading.Thread(target=self._work, name=f"resolver-{number}", daemon=True) for number in range(threads)
        ]
        self._started = False
        self._lock = threading.Lock()

    def addresses(self, host: str, port: int, within_s: float) -> list[str]:
        self._start()
        answer: Future[list[str]] = Future()
        self._lookups.put((answer, host, port))
        try:
            return answer.result(min(within_s, self._limit_s))
        except TimeoutError:
            answer.cancel()
            raise Failed("dns", f"the lookup of {host} took over {min(within_s, self._limit_s):.1f} s") from None
        except (OSError, UnicodeError) as error:
            raise Failed(
                "dns", f"the lookup of {host} failed: {getattr(error, 'strerror', None) or 'bad name'}"
            ) from None

    def close(self) -> None:
        with self._lock:
            started, self._started = self._started, True
        if started:
            for _ in self._threads:
                self._lookups.put(None)
            for thread in self._threads:
                thread.join(0.05)

    def _start(self) -> None:
        with self._lock:
            if not self._started:
                self._started = True
                for thread in self._threads:
                    thread.start()

    def _work(self) -> None:
        while (lookup := self._lookups.get()) is not None:
            answer, host, port = lookup
            if answer.set_running_or_notify_cancel():
                try:
                    answer.set_result(_look_up(host, port))
                except (OSError, UnicodeError) as error:
                    answer.set_exception(error)


def _look_up(host: str, port: int) -> list[str]:
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(sockaddr[0]) for *_, sockaddr in found))
