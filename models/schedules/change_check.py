"""Says what `schedule_changes.put` would do with a schedule, and changes nothing."""

from typing import NamedTuple

from models.database.transactions import transaction
from models.schedules import definitions, schedule_store
from models.schedules.calendars import calendar_store
from models.schedules.schedule_store import NewSchedule, definition_of, id_of, row_of

CREATE, CHANGE, NONE = "create", "change", "none"
CHANGES = (CREATE, CHANGE, NONE)


class Change(NamedTuple):
    """What `put` would do. `change`: one of CHANGES. `counts`: the account would have one more that is enabled and not
    finished."""

    change: str
    counts: bool


def change_by(new: NewSchedule) -> Change:
    """What `put` would do. Another spelling of what is stored is no change. Raises NoCalendar."""
    with transaction():
        new = calendar_store.applied(new)
        schedule_id = id_of(new.job.account_id, new.key or "")
        row = row_of(schedule_id) if schedule_id else None
        if row is None:
            return Change(CREATE, new.first_at is not None)
        stored = schedule_store.stored_definition(row.id)
    if definitions.is_same_order(definition_of(new, row.id), stored):
        return Change(NONE, False)
    before = new._replace(frequency=stored["frequency"], calendar_days=stored["calendar_days"])
    is_finished = row.disabled_at is None and row.next_at is None
    goes_on = new.first_at is not None and not definitions.is_same_frequency(new, before)
    return Change(CHANGE, is_finished and goes_on)
