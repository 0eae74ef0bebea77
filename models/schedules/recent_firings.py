"""Owns the latest rows of many schedules at once: what a strip of runs shows.

One statement of many short look-ups in the primary key, so that a long history costs nothing.
"""

from collections.abc import Sequence

from models.database.sql import fetch
from models.schedules.firings import NAMES, FiringRow

LENGTH = 60


def latest(schedule_ids: Sequence[str]) -> dict[str, list[FiringRow]]:
    """For each schedule that has rows its latest ones, oldest first."""
    if not schedule_ids:
        return {}
    few = f"SELECT {NAMES} FROM firing WHERE schedule_id = %s ORDER BY fire_at DESC LIMIT {LENGTH}"
    one = f"SELECT * FROM ({few}) AS few"
    found: dict[str, list[FiringRow]] = {}
    for row in fetch(" UNION ALL ".join([one] * len(schedule_ids)), list(schedule_ids)):
        firing = FiringRow(*row)
        found.setdefault(str(firing.schedule_id), []).append(firing)
    return {key: sorted(rows, key=lambda firing: firing.fire_at) for key, rows in found.items()}
