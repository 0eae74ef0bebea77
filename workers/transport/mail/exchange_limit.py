"""Limits how long an exchange of a library that waits may last, however many steps it has."""

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
