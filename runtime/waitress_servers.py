"""Finds the listening servers of waitress: a name may have several addresses, and each has a socket."""

from collections.abc import Iterator
from typing import Any


def listening(server: Any) -> Iterator[Any]:
    """The servers of one socket each."""
    from waitress.server import BaseWSGIServer

    channels = server.map if hasattr(server, "map") else server._map
    return (each for each in list(channels.values()) if isinstance(each, BaseWSGIServer))
