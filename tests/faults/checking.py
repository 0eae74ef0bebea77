"""I10 for jobs with a fixed delay between attempts: History in, sentences about what was broken out."""

from itertools import pairwise

from tests.journeys.journey import SECOND
from tests.journeys.ledger import History


def retries_wait(history: History, delay_us: int = SECOND) -> list[str]:
    """After an answer that is no success the next attempt comes no sooner than the delay."""
    ended = {(end.nonce, end.attempt): end.at for end in history.ends if end.whole and end.status_code >= 300}
    ordered = sorted(history.arrivals, key=lambda arrival: (str(arrival.nonce), arrival.at))
    gaps = [
        (before, after.at - ended[before.nonce, before.attempt])
        for before, after in pairwise(ordered)
        if before.nonce == after.nonce and (before.nonce, before.attempt) in ended
    ]
    return [f"{a.nonce}: attempt {a.attempt} was followed {gap} us later" for a, gap in gaps if gap < delay_us]
