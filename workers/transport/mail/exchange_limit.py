"""Ends an exchange over a socket that lasts too long. A library limits each of its steps, not all of them together."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress


@contextmanager
def cut_after(limit_s: float, sock_of: Callable[[], socket.socket | None]) -> Iterator[None]:
    """End the exchange over this socket once the time is over; the step that waits then fails."""

    def cut() -> None:
        with suppress(OSError):  # it has ended meanwhile
            if sock := sock_of():
                sock.shutdown(socket.SHUT_RDWR)

    limit = threading.Timer(limit_s, cut)
    limit.daemon = True
    limit.start()
    try:
        yield
    finally:
        limit.cancel()
