"""Counts the jobs that wait at gates, for the operator: by kind of gate, never by key."""

from models.database.sql import fetch
from models.jobs.states import WAITING_SQL
from models.rules.limits import GATES


def parked(counted: int) -> dict[str, int]:
    """How many jobs wait at gates of each kind; looks at no more than `counted` jobs."""
    few = f"SELECT parked_by FROM job WHERE parked_by IS NOT NULL AND {WAITING_SQL} LIMIT %s"
    rows = fetch(
        f"SELECT gate.kind, count(*) FROM ({few}) AS few JOIN gate ON gate.id = few.parked_by GROUP BY gate.kind",
        (counted,),
    )
    return dict.fromkeys(GATES, 0) | dict(rows)


def oldest_parked_at() -> int | None:
    """When the job was due that has waited at a gate for longest; None when none waits."""
    first = f"SELECT min(scheduled_at) FROM job WHERE parked_by = gate.id AND {WAITING_SQL}"
    return fetch(f"SELECT min(first) FROM (SELECT ({first}) AS first FROM gate) AS firsts")[0][0]
