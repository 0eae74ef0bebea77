"""Moves the schedules of changed calendars: a chunk of one calendar's, then of the next's."""

from models.schedules.calendars import moving


class CalendarTurns:
    """A new leader begins with any calendar: what has been done stands in the rows."""

    def __init__(self) -> None:
        self._latest_id = 0

    def take_turn(self, now: int) -> int:
        """Move the next chunk, if there is one; returns how many schedules those were."""
        calendar_id = moving.next_changed(self._latest_id)
        if calendar_id is None:
            return 0
        self._latest_id = calendar_id
        return moving.move_next(calendar_id, now)
