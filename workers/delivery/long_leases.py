"""Renews the leases of requests that may take longer than one lease.

A lease that lasted as long as the longest request would hide for two hours that its worker has died.
"""

from collections.abc import Callable, Iterable

from models.jobs import lifecycle
from models.jobs.lifecycle import LEASED_AT_ONCE_MS, ClaimedJob
from models.rules.clock import MILLISECOND, MINUTE

RENEWED_EVERY_US = MINUTE
LEASED_AT_ONCE_US = LEASED_AT_ONCE_MS * MILLISECOND


class LongLeases:
    """`renew` often, while connected; it writes once a minute. `under_way`: the jobs that this process holds."""

    def __init__(self, under_way: Callable[[], Iterable[ClaimedJob]], margin_us: int) -> None:
        self._under_way, self._margin_us = under_way, margin_us
        self._renewed_at = 0

    def renew(self, now: int, ahead_us: int = 0) -> None:
        """Renew the leases of long requests. `ahead_us`: how far this host's clock is ahead of the database's."""
        if abs(now - self._renewed_at) < RENEWED_EVERY_US:
            return
        margin_us = self._margin_us - ahead_us
        long = [job for job in self._under_way() if job.timeout_ms > LEASED_AT_ONCE_MS]
        lifecycle.extend([(job, min(_latest_end(job), now + LEASED_AT_ONCE_US) + margin_us) for job in long])
        self._renewed_at = now


def _latest_end(job: ClaimedJob) -> int:
    return job.attempted_at + job.timeout_ms * MILLISECOND
