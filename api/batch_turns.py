"""Lets the large batches of a process take turns: what is read of each takes many times its size in memory.

A turn begins when the body has come, so a slow client holds none, and lasts until the response. Only WAITING threads
wait for a turn, so the others of the process still answer.
"""

import threading

from flask import Flask, g

from api.responses.responses import ApiError

LARGE_BYTES = 1024 * 1024  # smaller batches need no turn
WAITING = 2
LONGEST_WAIT_S = 10.0
RETRY_AFTER_S = "2"

_turn = threading.Semaphore()
_places = threading.Semaphore(1 + WAITING)


def take(size: int) -> None:
    """Wait for a turn for a batch of so many bytes; 503 when too many wait or it takes too long."""
    if size < LARGE_BYTES:
        return
    if not _places.acquire(blocking=False):
        raise _busy()
    g.batch_place = True
    if not _turn.acquire(timeout=LONGEST_WAIT_S):
        raise _busy()
    g.batch_turn = True


def register(app: Flask) -> None:
    """End the turn of a request with the request, however it ends."""
    app.teardown_request(_end)


def _end(_: BaseException | None) -> None:
    if g.pop("batch_turn", False):
        _turn.release()
    if g.pop("batch_place", False):
        _places.release()


def _busy() -> ApiError:
    message = "Too many large batches come at once; send them one after another, or smaller ones."
    return ApiError(503, message, headers={"Retry-After": RETRY_AFTER_S})
