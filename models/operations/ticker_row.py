"""Reads and writes the one row of `ticker`: when the leading ticker was last seen, and how far deliveries have come."""

from models.database.sql import execute, fetch, unlocked
from models.database.transactions import write_turn

SILENT_S = 10  # a leading ticker that gives no sign of life for longer counts as silent
SEEN_AT_SQL = "SELECT seen_at FROM ticker WHERE id = 1"


def seen_at() -> int:
    """When the leading ticker last gave a sign of life; 0: never."""
    return fetch(SEEN_AT_SQL)[0][0]


def record_seen(now: int) -> None:
    """Record a sign of life of the leading ticker, unless another session holds the row."""
    these, params = unlocked("ticker", [1], "true")
    with write_turn():
        execute(f"UPDATE ticker SET seen_at = %s WHERE {these}", (now, *params))


def delivered_until() -> int:
    """The instant before which every published message has left the queue, as far as the probes show."""
    return fetch("SELECT delivered_until FROM ticker WHERE id = 1")[0][0]


def record_delivered(until: int) -> None:
    """Record that a probe published at `until` has come through the queue."""
    with write_turn():  # one statement: a process that is frozen in it holds no lock
        execute("UPDATE ticker SET delivered_until = %s WHERE id = 1", (until,))
