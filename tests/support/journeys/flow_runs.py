"""Reads from the receiver's ledger how the requests of flows and lanes ran. Nonces are the numbers of jobs."""

from collections import defaultdict
from collections.abc import Iterable

from tests.support.flow_judge import Run
from tests.support.journeys.ledger import Arrival, Ended


def runs_by_job(arrivals: Iterable[Arrival], ends: Iterable[Ended]) -> dict[int, list[Run]]:
    """The requests of each job, as the target saw them."""
    ended = {(end.nonce, end.attempt, end.connection): end.at for end in ends}
    runs: dict[int, list[Run]] = defaultdict(list)
    for each in arrivals:
        number = int(each.nonce or "")
        runs[number].append(Run(number, each.at, ended.get((each.nonce, each.attempt, each.connection))))
    return runs
