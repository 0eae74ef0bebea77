"""Remembers which schedules this process can't plan, so that it leaves them alone for a while.

A ticker may be older than a schedule's definition, or lack its zone: another one may be able to plan it.
"""

from models.rules import clock

AGAIN_AFTER_US = clock.MINUTE


class PutOff:
    """`add` what failed; `ids` are not to be planned now."""

    def __init__(self) -> None:
        self._until: dict[str, int] = {}

    def add(self, schedule_ids: list[str], now: int) -> None:
        self._until.update(dict.fromkeys(schedule_ids, now + AGAIN_AFTER_US))

    def ids(self, now: int) -> list[str]:
        self._until = {schedule_id: until for schedule_id, until in self._until.items() if until > now}
        return list(self._until)
