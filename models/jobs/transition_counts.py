"""Owns the news of transitions: how many jobs each changed, told to whoever counts, once it is committed.

Knows nothing of metrics: `runtime/metrics.py` sets `listener`. A transition that is rolled back is never told.
"""

from collections.abc import Callable, Sized
from typing import TypeVar

from models.database.transactions import after_commit

Changed = TypeVar("Changed", bound=Sized | int)
NAMES = (
    *("created", "staged", "claimed", "completed", "retried", "discarded"),
    *("released", "cancelled", "rescued", "buried", "pruned"),
)


def ignore(transition: str, jobs: int) -> None:
    """Counts nothing."""


listener: Callable[[str, int], None] = ignore


def count_transition(transition: str, changed: Changed) -> Changed:
    """Tell that so many jobs (or these) went through a transition; gives them back."""
    jobs = changed if isinstance(changed, int) else len(changed)
    if jobs:
        after_commit(lambda: listener(transition, jobs))
    return changed
