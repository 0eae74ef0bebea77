"""Says in plain words when a cron expression is due, from the sets of values by which cronsim computes its instants.

Pure. Two expressions with the same words are due at the same times. cronsim's own words are made from the text of the
fields, so they do not know which days match when both day fields are given (`1-31 * 1` matches every day).
"""

from collections.abc import Callable, Iterable, Sequence

from cronsim import CronSim

from models.rules.cron.cron_days import Cron
from models.rules.times import EPOCH

MONTHS = [
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
]
WEEKDAYS = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]
PLACES = {1: "first", 2: "second", 3: "third", 4: "fourth", 5: "fifth", CronSim.LAST: "last"}
LAST_DAYS = {CronSim.LAST: "the last day", CronSim.LAST_WEEKDAY: "the last working day"}
MAX_TIMES = 6  # times of day that are listed one by one


def words_of(expression: str) -> str:
    """When an expression, which `check_cron` has taken, is due."""
    cron = Cron(expression, EPOCH)
    seconds = sorted(cron.seconds)
    minutes, hours = sorted(cron.minutes), sorted(cron.hours)
    days, months = _days(cron), _months(sorted(cron.months))
    all_day = len(hours) == 24 or (minutes == [0] and _step(hours, 24) is not None)
    shown = "" if days == "every day" and all_day else f" {days}"  # "every 5 minutes" means every day anyway
    if seconds == [0]:
        return f"{_times(minutes, hours)}{shown}{months}"
    return f"{_times_by_second(seconds, minutes, hours)}{shown}{months}"


def _times(minutes: list[int], hours: list[int]) -> str:
    if len(hours) == 24:
        return _within_an_hour(minutes)
    step = _step(hours, 24)
    if step and minutes == [0]:
        return f"Every {step} hours"
    if len(minutes) * len(hours) <= MAX_TIMES:
        return f"At {_joined([f'{hour:02}:{minute:02}' for hour in hours for minute in minutes])}"
    return f"{_within_an_hour(minutes, 'each')} {_span(hours)}"


def _times_by_second(seconds: list[int], minutes: list[int], hours: list[int]) -> str:
    """Times of day, where not all are at the start of a minute."""
    if len(hours) != 24 and len(hours) * len(minutes) * len(seconds) <= MAX_TIMES:
        times = [f"{hour:02}:{minute:02}:{second:02}" for hour in hours for minute in minutes for second in seconds]
        return f"At {_joined(times)}"
    step = _step(seconds, 60)
    within = "Every second" if len(seconds) == 60 else f"Every {step} seconds" if step else None
    within = within or f"At {_numbered('second', seconds)} of each minute"
    if len(minutes) == 60 and len(hours) == 24:
        return within
    by_minute = _times(minutes, hours)
    return f"{within}, {by_minute[0].lower()}{by_minute[1:]}"


def _within_an_hour(minutes: list[int], which: str = "every") -> str:
    step = _step(minutes, 60)
    if len(minutes) == 60:
        return "Every minute"
    if step:
        return f"Every {step} minutes"
    if minutes == [0] and which == "every":
        return "Every hour"
    return f"At {_numbered('minute', minutes)} of {which} hour"


def _step(values: list[int], size: int) -> int | None:
    """The interval of values that are spread evenly over the whole from 0 on."""
    step = values[1] - values[0] if len(values) > 1 else 0
    return step if step > 1 and size % step == 0 and values == list(range(0, size, step)) else None


def _days(cron: Cron) -> str:
    days, weekdays = sorted(cron.days), sorted({(day - 1) % 7 for day in cron.weekdays if isinstance(day, int)})
    nth = [each for each in cron.weekdays if not isinstance(each, int)]
    any_day, any_weekday = set(range(1, 32)) <= set(days), len(weekdays) == 7
    of_month = _of_month(days, sorted(cron.nearest))
    if any_day and any_weekday or (any_day or any_weekday) and not cron.day_and:
        return "every day"
    if any_day:
        return f"on {_of_week(weekdays, nth, 'and')}"
    if any_weekday:
        return f"on {of_month}"
    if cron.day_and:
        return f"on {of_month} if that is {_of_week(weekdays, nth, 'or')}"
    return f"on {of_month} and on {_of_week(weekdays, nth, 'and')}"


def _of_month(days: list[int], nearest: list[int]) -> str:
    numbered = [day for day in days if day > 0]
    last = [name for day, name in LAST_DAYS.items() if day in days]
    working = [f"the working day nearest to {_numbered('day', [day])}" for day in nearest]
    return f"{_joined([*([_numbered('day', numbered)] if numbered else []), *working, *last])} of the month"


def _of_week(weekdays: list[int], nth: list[tuple[int, int]], last: str) -> str:
    """Weekdays by name; `nth`: pairs of a weekday, where 0 and 7 are Sunday, and its place in the month."""
    if weekdays and not nth:
        return _named(weekdays, WEEKDAYS) if last == "and" else _joined([WEEKDAYS[day] for day in weekdays], last)
    ordered = sorted({((day - 1) % 7, place) for day, place in nth}, key=lambda pair: (pair[1] < 0, pair[1], pair[0]))
    of_month = [f"the {PLACES[place]} {WEEKDAYS[day]}" for day, place in ordered]
    texts = [WEEKDAYS[day] for day in weekdays] + of_month
    return f"{_joined(texts, last)} of the month"


def _months(months: list[int]) -> str:
    return "" if len(months) == 12 else f" in {_named([month - 1 for month in months], MONTHS)}"


def _numbered(name: str, values: list[int]) -> str:
    return f"{name} {values[0]}" if len(values) == 1 else f"{name}s {_joined(_runs(values, str))}"


def _named(values: list[int], names: Sequence[str]) -> str:
    return _joined(_runs(values, lambda value: names[value]))


def _span(hours: list[int]) -> str:
    first, last = hours[0], hours[-1]
    if last - first + 1 == len(hours):
        return f"from {first:02}:00 to {last:02}:59"
    return f"in {_numbered('hour', hours)}"


def _runs(values: list[int], name: Callable[[int], str]) -> list[str]:
    """The values by name; three or more in a row as "a through b"."""
    texts: list[str] = []
    for first, last in _ranges(values):
        names = [name(value) for value in range(first, last + 1)]
        texts += [f"{names[0]} through {names[-1]}"] if len(names) > 2 else names
    return texts


def _ranges(values: Iterable[int]) -> list[tuple[int, int]]:
    ranges: list[tuple[int, int]] = []
    for value in values:
        if ranges and ranges[-1][1] == value - 1:
            ranges[-1] = (ranges[-1][0], value)
        else:
            ranges.append((value, value))
    return ranges


def _joined(texts: list[str], last: str = "and") -> str:
    return texts[0] if len(texts) == 1 else f"{', '.join(texts[:-1])} {last} {texts[-1]}"
