"""A migrated database with a key, made once and then copied: to make it takes longer than to start most journeys.

It is dropped when this process ends.
"""

import atexit
import contextlib
from collections.abc import Callable
from typing import NamedTuple

import psycopg


class Template(NamedTuple):
    """`name`: the database to copy. `key`: an API key that each copy knows."""

    name: str
    key: str


_made: dict[tuple[str, str], Template] = {}


def template(server_url: str, program: str, make: Callable[[], Template], drop: Callable[[str], None]) -> Template:
    """What `make` once returned for this server and this program, which may be another version."""
    kind = (server_url, program)
    if kind not in _made:
        _made[kind] = make()
        atexit.register(_drop_if_there, drop, _made[kind].name)
    return _made[kind]


def _drop_if_there(drop: Callable[[str], None], name: str) -> None:
    """A server that one test started is gone by now."""
    with contextlib.suppress(psycopg.OperationalError):
        drop(name)
