"""Reads the next request of a connection in the thread that served the one before, where it follows at once.

A program or a proxy that sends one request after another has the next one ready within a millisecond. Read by the main
loop, it would cost two changes of threads: a tenth of all creates.
"""

import select
from typing import Any

from api.server.lanes import lane_of
from api.server.request_buffer import RequestBuffer

WAIT_MS = 2


def take(conn: Any, max_body: int) -> bool:
    """Whether the next request arrived whole within WAIT_MS, and is one for this thread; `conn` is then ready for it.

    Whatever else arrived is in `conn.read_behind`, for the main loop.
    """
    data = _arrived(conn)
    if not data:
        return False
    buffer = RequestBuffer(max_body)
    buffer.feed(data)
    is_whole = buffer.is_complete and buffer.has_head and not buffer.is_last
    if not is_whole or lane_of(buffer.path) != "other":
        buffer.close()
        conn.read_behind = data
        return False
    conn.serve_from(buffer)
    return True


def _arrived(conn: Any) -> bytes:
    """What the client sent within WAIT_MS. Nothing where the end of the connection, or an error, is all there is: the
    main loop finds either again."""
    waiting = select.poll()
    waiting.register(conn.sock, select.POLLIN)
    try:
        return conn.sock.receive_now() if waiting.poll(WAIT_MS) else b""
    except OSError:
        return b""
