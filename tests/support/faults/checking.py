"""I10 for jobs with a fixed delay between attempts: History in, sentences about what was broken out."""

from itertools import pairwise

from tests.support.journeys.journey import SECOND
from tests.support.journeys.ledger import History


def retries_wait(history: History, delay_us: int = SECOND) -> list[str]:
    """After a request that was answered, but not with success, the next attempt comes no sooner than the delay.

    Counted from the arrival: the instant an answer left is written down a little after it may have been read.
    """
    failed = {(end.nonce, end.attempt) for end in history.ends if end.whole and end.status_code >= 300}
    ordered = sorted(history.arrivals, key=lambda arrival: (str(arrival.nonce), arrival.at))
    gaps = [
        (before, after.at - before.at)
        for before, after in pairwise(ordered)
        if before.nonce == after.nonce and (before.nonce, before.attempt) in failed
    ]
    return [f"{a.nonce}: attempt {a.attempt} was followed {gap} us later" for a, gap in gaps if gap < delay_us]
