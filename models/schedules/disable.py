"""Disables schedules, whether the owner, too many failures or the planner asked for it."""

from models.database.sql import execute, fetch
from models.database.transactions import transaction
from models.jobs import records
from models.jobs.log_events import SCHEDULE_DISABLED
from models.schedules.cancel import cancel_of_schedule
from models.schedules.firing_rows import DISABLED

BY_OWNER = "its schedule was disabled"
DELETED = "its schedule was deleted"
NOT_COMPUTABLE = "its next instant can't be computed"


def disable(schedule_id: str, reason: str, now: int) -> bool:
    """Disable a schedule whose row the caller has locked; False when it is disabled already.

    Its waiting jobs are cancelled with the reason, one under way goes on, and the previous answer is forgotten.
    """
    sql = "UPDATE schedule SET disabled_at = %s, previous = NULL WHERE id = %s AND disabled_at IS NULL"
    with transaction():
        disabled = bool(execute(sql, (now, schedule_id)))
        if disabled:
            cancel_of_schedule(schedule_id, reason, DISABLED, now)
    return disabled


def disable_not_computable(schedule_id: str, account_id: int, now: int) -> None:
    """Disable a schedule that can't be planned any more, and say so in the log of its latest job."""
    with transaction():
        job_id = _latest_job(schedule_id)
        disabled = disable(schedule_id, because(NOT_COMPUTABLE), now)
        if disabled and job_id:
            payload = {"reason": NOT_COMPUTABLE}
            records.add_log_entries([records.log_row(account_id, job_id, schedule_id, SCHEDULE_DISABLED, payload, now)])


def because(cause: str) -> str:
    """The reason in the log of a job that is cancelled with its schedule."""
    return f"{BY_OWNER}: {cause}"


def _latest_job(schedule_id: str) -> int | None:
    """The job of the schedule's latest instant, by the index job_fire_at."""
    rows = fetch(
        "SELECT id FROM job WHERE schedule_id = %s AND fire_at IS NOT NULL "
        "AND (state <> 'cancelled' OR attempted_at IS NOT NULL) ORDER BY fire_at DESC LIMIT 1",
        (schedule_id,),
    )
    return rows[0][0] if rows else None
