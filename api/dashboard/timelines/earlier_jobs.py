"""Counts the jobs whose time lies before the picture of a timeline: one sign at its left edge stands for all. Pure."""

from collections.abc import Iterable
from typing import NamedTuple

from api.dashboard.timelines.marks import OVERDUE, RUNNING, Mark


class Earlier(NamedTuple):
    """`is_cut`: whether there may be more of them. `under_way`: whether none of them still waits."""

    jobs: int
    is_cut: bool
    under_way: bool

    @property
    def text(self) -> str:
        return f"{self.jobs:,}{'+' if self.is_cut else ''} due earlier"


def earlier_jobs(marks: Iterable[Mark], is_cut: bool, before: int) -> Earlier | None:
    """Those with an instant earlier than `before`; None if there are none."""
    looks = [mark.look for mark in marks if mark.at < before and mark.look in (OVERDUE, RUNNING)]
    return Earlier(len(looks), is_cut, OVERDUE not in looks) if looks else None
