"""Says how the latest jobs of schedules ended: what rules need that count failures in a window.

Only an event of a schedule in the scope of such a rule asks. It reads at most LATEST jobs of that schedule, so its time
has a bound however often the schedule runs.
"""

from collections.abc import Collection

from models.alerts.conditions import Ends, Window
from models.database.sql import as_list, fetch, list_of, values_table

LATEST = 1000
ENDED_AT = "COALESCE(job.completed_at, job.discarded_at)"
ENDS = (
    f"SELECT failed AS value FROM (SELECT {ENDED_AT} AS ended_at, "
    "CASE WHEN job.discarded_at IS NULL THEN 0 ELSE 1 END AS failed FROM job "
    "WHERE job.schedule_id = input.schedule_id AND job.fire_at >= schedule.enabled_at "
    f"ORDER BY job.inserted_at DESC, job.id DESC LIMIT {LATEST}) AS latest "
    "WHERE ended_at > input.after AND ended_at <= input.until"
)


def ends_within(windows: Collection[Window]) -> dict[Window, Ends]:
    """How the jobs ended that ended within these windows and were made since their schedule was enabled."""
    if not windows:
        return {}
    ordered = list(windows)
    rows = [(place, each.schedule_id, each.until - each.span_us, each.until) for place, each in enumerate(ordered)]
    table, params = values_table("place bigint, schedule_id uuid, after bigint, until bigint", rows)
    rows_of_windows = fetch(
        f"SELECT input.place, {list_of(ENDS)} FROM {table} AS input JOIN schedule ON schedule.id = input.schedule_id",
        params,
    )
    failures = {ordered[place]: as_list(members) for place, members in rows_of_windows}
    return {window: Ends(len(members), sum(members)) for window, members in failures.items()}
