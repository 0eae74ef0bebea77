"""Judges how requests went through flows and lanes, from a ledger of their beginnings and ends. Pure.

It knows the promises and nothing of the product: never more under way than the limit, no window over the rate, wherever
it begins, and in a lane one job after another, each before those created after it. Instants are integers of any unit.
"""

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from itertools import permutations
from typing import NamedTuple


class Run(NamedTuple):
    """One request of a flow. `ended_at` None: it is still under way."""

    job: int | str
    began_at: int
    ended_at: int | None = None


class Promise(NamedTuple):
    """The limits of a flow from `since` on, until the next promise. `counts_from`: older starts count for no window."""

    since: int = 0
    rate: int | None = None
    per: int | None = None
    concurrency: int | None = None
    counts_from: int = 0


class Turn(NamedTuple):
    """A job of a lane: when its first request began, and when it was final. None: neither has happened.

    `joined_at`: since when it stands in the lane. `let_at`: when it was let begin; None: when its request began."""

    job: int | str
    began_at: int | None
    final_at: int | None
    joined_at: int = 0
    let_at: int | None = None


def most_under_way(runs: Iterable[Run], since: int = 0, until: int | None = None) -> int:
    """The largest number under way at the beginning of a request, of those that began from `since` to before `until`.
    What ends at the instant at which another begins makes room for it."""
    runs = list(runs)
    judged = [run for run in runs if since <= run.began_at and (until is None or run.began_at < until)]
    return max((sum(is_under_way(each, at=run.began_at) for each in runs) for run in judged), default=0)


def is_under_way(run: Run, at: int) -> bool:
    """Whether the request has begun by an instant and not ended; one that ends at once is under way as it begins."""
    return run.began_at == at or (run.began_at < at and (run.ended_at is None or run.ended_at > at))


def fullest_window(starts: Iterable[int], per: int, since: int = 0, until: int | None = None) -> int:
    """The largest number of starts in a window of length `per` that ends with a start from `since` to before `until`.
    Two that are just `per` apart share no window."""
    ordered = sorted(starts)
    fullest = 0
    for last, at in enumerate(ordered):
        if since <= at and (until is None or at < until):
            first = bisect_left(ordered, at - per + 1)
            fullest = max(fullest, last + 1 - first)
    return fullest


def broken_promises(key: str, runs: Sequence[Run], promises: Sequence[Promise], tolerance: int = 0) -> list[str]:
    """Sentences about each limit of the flow that did not hold. `tolerance`: by how much two starts may come closer
    together on their way."""
    broken = []
    ends = [promise.since for promise in promises[1:]]
    for promise, until in zip(promises, [*ends, None], strict=True):
        broken += _over_concurrency(key, runs, promise, until) + _over_rate(key, runs, promise, until, tolerance)
    return broken


def out_of_order(lane: str, turns: Sequence[Turn]) -> list[str]:
    """Sentences about jobs of the lane that began although another had begun and was not final, or stood before them.
    `turns`: in the order in which the jobs were created."""
    broken = []
    for (place, turn), (other_place, other) in permutations(enumerate(turns), 2):
        if turn.began_at is None or (other.final_at is not None and other.final_at <= turn.began_at):
            continue
        let_at = turn.began_at if turn.let_at is None else turn.let_at
        stands_before = other_place < place and other.joined_at <= let_at
        if stands_before or _has_begun(other, turn.began_at):
            end = "is not final" if other.final_at is None else f"was final at {other.final_at}"
            broken.append(f"lane {lane}: job {turn.job} began at {turn.began_at}, job {other.job} {end}")
    return broken


def _has_begun(turn: Turn, at: int) -> bool:
    return turn.began_at is not None and turn.began_at < at


def _over_concurrency(key: str, runs: Sequence[Run], promise: Promise, until: int | None) -> list[str]:
    if promise.concurrency is None:
        return []
    most = most_under_way(runs, promise.since, until)
    return [] if most <= promise.concurrency else [f"flow {key}: {most} under way, allowed are {promise.concurrency}"]


def _over_rate(key: str, runs: Sequence[Run], promise: Promise, until: int | None, tolerance: int) -> list[str]:
    if promise.rate is None or promise.per is None:
        return []
    counted = [run.began_at for run in runs if run.began_at >= promise.counts_from]
    fullest = fullest_window(counted, promise.per - tolerance, promise.since, until)
    return [] if fullest <= promise.rate else [f"flow {key}: {fullest} starts in a window, allowed are {promise.rate}"]
