"""Reports how many incidents opened and closed and how many messages were made, to `listener`, once that is committed.

`runtime/metrics.py` sets `listener`, so this module needs no metrics.
"""

from collections.abc import Callable

from models.database.transactions import after_commit

OPENED, CLOSED, MADE = "opened", "closed", "made"
NAMES = (OPENED, CLOSED, MADE)


def ignore(change: str, number: int) -> None:
    """Count nothing."""


listener: Callable[[str, int], None] = ignore


def count(change: str, number: int) -> None:
    """Report that so many incidents opened or closed, or that so many messages were made."""
    if number:
        after_commit(lambda: listener(change, number))
