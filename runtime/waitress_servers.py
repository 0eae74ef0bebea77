"""Finds the listening servers of waitress, and ends them. A name may have several addresses; each has a socket."""

from collections.abc import Iterator
from typing import Any


def listening(server: Any) -> Iterator[Any]:
    """The servers of one socket each."""
    from waitress.server import BaseWSGIServer

    return (each for each in list(_channels(server).values()) if isinstance(each, BaseWSGIServer))


def end(server: Any) -> None:
    """Let the loop close all sockets and end, in its own thread. If another thread closed them, the loop could fail,
    because it waits for sockets that are gone."""
    from waitress import wasyncore

    channels = _channels(server)
    next(listening(server)).trigger.pull_trigger(lambda: wasyncore.close_all(channels, ignore_all=True))


def _channels(server: Any) -> Any:
    return server.map if hasattr(server, "map") else server._map
