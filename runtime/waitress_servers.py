"""Finds the listening servers of waitress, runs and ends them. A name may have several addresses; each has a socket."""

import threading
from collections.abc import Callable, Iterator
from typing import Any

from runtime.signals import Flag

WAKING_LIMIT_S = 5.0


def listening(server: Any) -> Iterator[Any]:
    """The servers of one socket each."""
    from waitress.server import BaseWSGIServer

    return (each for each in list(_channels(server).values()) if isinstance(each, BaseWSGIServer))


def waker(server: Any) -> Callable[[], None]:
    """A function that wakes the loop; a handler of signals may call it."""
    wake: Callable[[], None] = next(listening(server)).trigger.pull_trigger
    return wake


def run_until(server: Any, stop: Flag) -> None:
    """Run the loop in this thread until the flag is set; whoever sets it wakes the loop."""
    from waitress import wasyncore

    channels, timeout_s = _channels(server), server.adj.asyncore_loop_timeout
    while channels and not stop.is_set():
        wasyncore.loop(timeout_s, server.adj.asyncore_use_poll, channels, count=1)


def end(server: Any) -> None:
    """Let the loop close all sockets and end, in its own thread. If another thread closed them, the loop could fail,
    because it waits for sockets that are gone. End the server's dispatcher first: its threads wake the loop too.

    The loop is woken by a byte in a pipe. It may be awake already, and would close the pipe before this thread has
    written the byte. So it waits until the byte is written."""
    from waitress import wasyncore

    channels, is_woken = _channels(server), threading.Event()

    def close() -> None:
        is_woken.wait(WAKING_LIMIT_S)
        wasyncore.close_all(channels, ignore_all=True)

    next(listening(server)).trigger.pull_trigger(close)
    is_woken.set()


def _channels(server: Any) -> Any:
    return server.map if hasattr(server, "map") else server._map
