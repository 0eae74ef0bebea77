"""Matches dates and times of day as cronsim does, and one more day of the month: `15W`, the working day nearest to the
15th. Pure. The day is one of the same month; a month that lacks the 31st has no `31W`."""

import calendar
import re
from datetime import date, datetime
from functools import lru_cache

from cronsim import CronSim

NEAREST = re.compile(r"(0?[1-9]|[12][0-9]|3[01])W")
_ONLY_NEAREST = "L"  # in place of a field that cronsim could not read


class Cron(CronSim):
    """Local times that an expression of five or six fields names, each later than the one before."""

    def __init__(self, expression: str, after: datetime) -> None:
        fields = expression.upper().split()
        items = fields[-3].split(",")
        others = [item for item in items if not NEAREST.fullmatch(item)]
        self.nearest = frozenset(int(item[:-1]) for item in items if NEAREST.fullmatch(item))
        fields[-3] = ",".join(others) or _ONLY_NEAREST
        super().__init__(" ".join(fields), after)
        if not others:
            self.days = set()
        self.day_and = items[0].startswith("*") or fields[-1].startswith("*")

    def match_dom(self, day: date) -> bool:
        return super().match_dom(day) or any(
            day.day == nearest_working_day(day.year, day.month, near) for near in self.nearest
        )


@lru_cache(maxsize=4096)
def nearest_working_day(year: int, month: int, day: int) -> int | None:
    """The day of the month of the working day nearest to this one, in the same month; None: it lacks the day."""
    first_weekday, last = calendar.monthrange(year, month)
    if day > last:
        return None
    weekday = (first_weekday + day - 1) % 7
    if weekday == calendar.SATURDAY:
        return day - 1 if day > 1 else 3
    if weekday == calendar.SUNDAY:
        return day + 1 if day < last else day - 2
    return day
