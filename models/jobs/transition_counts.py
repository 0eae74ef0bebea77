"""Reports how many jobs each transition changed, to `listener`, once the transition is committed.

`runtime/metrics.py` sets `listener`, so this module needs no metrics. A transition that is rolled back is not reported.
"""

from collections.abc import Callable, Sized
from typing import TypeVar

from models.database.transactions import after_commit

Changed = TypeVar("Changed", bound=Sized | int)
NAMES = (
    *("created", "staged", "claimed", "completed", "retried", "discarded"),
    *("changed", "rescheduled", "hastened"),
    *("released", "cancelled", "rescued", "buried", "pruned"),
)


def ignore(transition: str, jobs: int) -> None:
    """Count nothing."""


listener: Callable[[str, int], None] = ignore


def count_transition(transition: str, changed: Changed) -> Changed:
    """Report that so many jobs (or these) went through a transition; returns its argument."""
    jobs = changed if isinstance(changed, int) else len(changed)
    if jobs:
        after_commit(lambda: listener(transition, jobs))
    return changed
