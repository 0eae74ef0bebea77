"""Owns an independent reading of cron: it looks at every minute of a stretch of UTC and what a zone's clock shows then.

Shares no code with Booper and uses no cron library. Slow, and simple enough to be believed. The rule is that of
docs/api.md: when neither minute nor hour begins with `*`, a time of day that the clock skips is due at the first minute
after the gap and one that comes twice is due the first time; otherwise each minute whose local time fits is due.
"""

from datetime import UTC, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo

MINUTE = timedelta(minutes=1)
RANGES = ((0, 59), (0, 23), (1, 31), (1, 12), (0, 7))
MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")


def number(word, field):
    names = {3: MONTHS, 4: DAYS}.get(field, ())
    word = word.lower()
    return names.index(word) + (field == 3) if word in names else int(word)


@cache
def values(text, field):
    """The numbers that a field names."""
    low, high = RANGES[field]
    numbers = set()
    for item in text.split(","):
        base, _, step = item.partition("/")
        if base == "*":
            first, last = low, high
        elif "-" in base:
            first, last = (number(word, field) for word in base.split("-"))
        else:
            first = number(base, field)
            last = high if step else first
        numbers.update(range(first, last + 1, int(step or 1)))
    return frozenset(numbers)


class Stretch:
    """The minutes from one UTC minute to another with the local time of a zone at each."""

    def __init__(self, zone, first, last):
        self.zone, self.first, self.last = zone, first, last
        count = (last - first) // MINUTE + 1
        info = ZoneInfo(zone)
        self.minutes = [first + number * MINUTE for number in range(count)]
        self.local = [minute.astimezone(info).replace(tzinfo=None) for minute in self.minutes]
        self.seen_before = self._repeated()
        self.skipped = self._skipped()
        self.by_time = {}
        for minute, local, again in zip(self.minutes, self.local, self.seen_before, strict=True):
            self.by_time.setdefault((local.hour, local.minute), []).append((minute, local, again))

    def _repeated(self):
        """Whether the clock has shown this minute's local time already."""
        seen, again = set(), []
        for local in self.local:
            again.append(local in seen)
            seen.add(local)
        return again

    def _skipped(self):
        """(local time the clock never shows, first minute after the gap)."""
        skipped = []
        for number in range(1, len(self.local)):
            before, after = self.local[number - 1], self.local[number]
            missing = before + MINUTE
            while missing < after:
                skipped.append((missing, self.minutes[number]))
                missing += MINUTE
        return skipped

    def due(self, expression):
        """The instants of the expression in this stretch, in order."""
        *seconds, minute, hour, day, month, weekday = expression.split()
        fields = [minute, hour, day, month, weekday]
        fixed = not fields[0].startswith("*") and not fields[1].startswith("*")
        times = {(hour, minute) for hour in values(fields[1], 1) for minute in values(fields[0], 0)}
        fits_day = cache(lambda date: day_fits(fields, date))
        instants = {
            minute + timedelta(seconds=second)
            for time in times
            for minute, local, again in self.by_time.get(time, [])
            if fits_day(local.date()) and not (fixed and again)
            for second in (values(seconds[0], 0) if seconds else [0])
        }
        if fixed:
            instants |= {
                at for local, at in self.skipped if (local.hour, local.minute) in times and fits_day(local.date())
            }
        return sorted(instants)


def day_fits(fields, date):
    if date.month not in values(fields[3], 3):
        return False
    by_month = any(month_day_fits(item, date) for item in fields[2].split(","))
    by_week = any(week_day_fits(item, date) for item in fields[4].split(","))
    if fields[2].startswith("*") or fields[4].startswith("*"):
        return by_month and by_week
    return by_month or by_week


@cache
def month_day_fits(item, date):
    last = (date.replace(day=28) + timedelta(days=4)).replace(day=1) - timedelta(days=1)
    if item.upper() == "L":
        return date == last
    if item.upper() == "LW":
        while last.isoweekday() > 5:
            last -= timedelta(days=1)
        return date == last
    if item.upper().endswith("W"):
        return date == nearest_weekday(date, int(item[:-1]), last)
    return date.day in values(item, 2)


def nearest_weekday(date, day, last):
    """Of the month of a date: the weekday nearest to one of its days, looked for at both sides, the near ones first."""
    if day > last.day:
        return None
    wanted = date.replace(day=day)
    near = [wanted + timedelta(days=days) for days in (0, -1, 1, -2, 2)]
    return next(each for each in near if each.month == date.month and each.isoweekday() <= 5)


@cache
def week_day_fits(item, date):
    if item.upper().endswith("L") and item[:-1].isdigit():
        return date.isoweekday() % 7 == int(item[:-1]) % 7 and (date + timedelta(days=7)).month != date.month
    if "#" in item:
        day, place = item.split("#")
        return date.isoweekday() % 7 == number(day, 4) % 7 and (date.day - 1) // 7 + 1 == int(place)
    week = values(item, 4)
    return date.isoweekday() % 7 in week or (date.isoweekday() == 7 and 7 in week)


def changes(zone, year):
    """The UTC days of a year within which a zone's offset changes."""
    info, day = ZoneInfo(zone), datetime(year, 1, 1, tzinfo=UTC)
    days = []
    while day.year == year:
        following = day + timedelta(days=1)
        if day.astimezone(info).utcoffset() != following.astimezone(info).utcoffset():
            days.append(day)
        day = following
    return days
