"""Counts what an operation would act on, without acting: exact up to `bulk.COUNTED` jobs.

A filter that no index serves is judged row by row; then it looks at ROWS_AT_MOST rows.
"""

from models.database.paging import PageRequest
from models.jobs.searches import merged_states
from models.jobs.searches.job_filter import JobFilter
from models.jobs.searches.merged_states import Count
from models.operations.bulk import COUNTED, LOOKED_AT, OLDEST_FIRST, states_of

ROWS_AT_MOST = 50_000


def count(account_id: int, action: str, job_filter: JobFilter, at_most: int | None = None) -> Count:
    """How many jobs an operation of this limit would act on."""
    limit = COUNTED if at_most is None else min(at_most, COUNTED)
    states, jobs, place = states_of(action, job_filter), 0, None
    if not merged_states.is_judged(job_filter):
        all_of_them = merged_states.count(account_id, job_filter, states, PageRequest(OLDEST_FIRST, limit), limit)
        return Count(all_of_them.jobs, all_of_them.more and limit != at_most)
    for _ in range(ROWS_AT_MOST // LOOKED_AT):
        page = PageRequest(OLDEST_FIRST, limit - jobs, 0, place)
        matches = merged_states.matching(account_id, job_filter, states, page, LOOKED_AT)
        jobs, place = jobs + len(matches.rows), matches.end
        if place is None or jobs >= limit:
            return Count(jobs, place is not None and limit != at_most)
    return Count(jobs, True)
