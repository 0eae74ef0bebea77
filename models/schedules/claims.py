"""Claims jobs: the one way to begin an attempt.

The jobs that nothing holds back are claimed first, in one statement. What is left may be jobs of schedules:
`models/schedules/overlap.py` decides which of them may begin. No statement waits for a row that another session holds.
"""

from collections.abc import Sequence

from models.database.transactions import transaction
from models.jobs import lifecycle
from models.jobs.lifecycle import ClaimedJob
from models.schedules import overlap


def claim(ids: Sequence[int], now: int, lease_margin_us: int, claim_id: int | None = None) -> list[ClaimedJob]:
    """Claim those of the jobs that wait, are due and may begin, all under one fence, in one transaction."""
    with transaction():
        claimed = lifecycle.claim(ids, now, lease_margin_us, claim_id)
        left = sorted(set(ids) - {job.id for job in claimed})
        return claimed + overlap.claim(left, now, lease_margin_us, claim_id) if left else claimed
