"""Computes when a schedule is due: by an interval, or by a cron expression in a time zone. Pure.

cronsim matches dates and times of day; what a zone's clock does to them is decided here, since cronsim loses instants
where a clock moves by half an hour or at midnight. The rule is that of Debian's cron. When neither minute nor hour
begins with `*`, the times are fixed: one that the clock skips is due at the first instant after the gap, one that comes
twice is due the first time. Otherwise each real minute whose local time fits is due.
"""

import json
import re
from datetime import UTC, datetime, timedelta
from functools import cache, lru_cache
from itertools import pairwise
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo, available_timezones

from cronsim import CronSimError

from models.rules import times, zone_data, zone_names
from models.rules.bounds import UNBOUNDED, Bounds, bounds_of, excluded_until
from models.rules.clock import DAY, MINUTE, SECOND
from models.rules.cron.cron_days import NEAREST, Cron
from models.rules.cron.cron_words import words_of
from models.rules.times import EPOCH

zone_data.prefer_package()

ALIASES = {
    "@hourly": "0 * * * *",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@weekly": "0 0 * * 0",
    "@monthly": "0 0 1 * *",
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
}
FIELDS = ("second", "minute", "hour", "day of the month", "month", "day of the week")
MAX_CRON_CHARS = 255
LAST = datetime(9000, 1, 1, tzinfo=UTC)  # no instant is searched beyond it
NOT_ZONES = {"localtime", "Factory"}

_ITEM = re.compile(r"(\*|[0-9]{1,2}|[A-Za-z]{3})(-([0-9]{1,2}|[A-Za-z]{3}))?(/[0-9]{1,2})?")
_LAST_DAYS = {"L", "LW"}  # of the month: its last day, its last working day
_NTH_WEEKDAY = re.compile(r"([0-7]|[A-Za-z]{3})#[1-5]|[0-7]L")  # the nth of the month, the last of the month
_BETWEEN_FIELDS = re.compile(r"[ \t]+")
_LONE_RANGE = re.compile(r"\b0?([0-9]{1,2}|[A-Za-z]{3})-0?\1(/[0-9]{1,2})?\b", re.IGNORECASE)
_MONTHS = {"JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"}
_NAMES = {4: _MONTHS, 5: {"SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"}}


class CronRefused(ValueError):
    """The text is no cron expression, or names no date; says which part and why."""


class UnknownFrequency(ValueError):
    """A stored frequency that this version can't read: a newer one may have stored it."""


class Frequency(NamedTuple):
    """How often: every so many microseconds, or by a cron expression in a zone; and within which bounds."""

    every_us: int | None = None
    cron: str = ""
    timezone: str = "UTC"
    bounds: Bounds = UNBOUNDED


class Instants(NamedTuple):
    """Instants that passed: the latest as a list, and those before them as (first, last, how many or None)."""

    before: tuple[int, int, int | None] | None
    latest: list[int]


def frequency_of(text: str, calendar_days: str | None = None) -> Frequency:
    """The frequency of its JSON form, which a schedule stores and shows, and of the days of its calendars. Raises
    UnknownFrequency."""
    try:
        fields = json.loads(text)
        bounds = bounds_of(fields, calendar_days)
        if "repeat_every" in fields:
            return Frequency(every_us=times.parse_duration(fields["repeat_every"]), bounds=bounds)
        return Frequency(cron=check_cron(fields["cron"]), timezone=fields.get("timezone", "UTC"), bounds=bounds)
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise UnknownFrequency(text) from error


@lru_cache(maxsize=8192)  # each reading of a stored expression checks it
def check_cron(text: str) -> str:
    """The expression as it is; raises CronRefused with the reason."""
    fields = _BETWEEN_FIELDS.split(_spelled_out(text).strip(" \t")) if len(text) <= MAX_CRON_CHARS else []
    if len(fields) not in (5, 6):
        names = f"the five fields {', '.join(FIELDS[1:])}, a second before them where it has six"
        raise _refused(f"have {names}, or be one of {', '.join(ALIASES)}", text)
    for number, field in enumerate(fields, len(FIELDS) - len(fields)):
        _check_field(number, field)
    _check_date(_plain(text))
    return text


def shortest_gap_s(text: str) -> int:
    """How many seconds apart the instants of an expression are at least: 60 unless it names several seconds."""
    seconds = sorted(Cron(_plain(text), EPOCH).seconds)
    return min(later - second for second, later in pairwise([*seconds, seconds[0] + 60]))


@cache
def zones() -> frozenset[str]:
    """The names of all zones."""
    return frozenset(available_timezones() - NOT_ZONES)


def is_zone(name: str) -> bool:
    """Whether the name is one of the IANA database."""
    return name in zones()


def next_after(frequency: Frequency, instant: int) -> int | None:
    """The next instant after this one, from which an interval is measured; None when there is none within 50 years, or
    within the bounds."""
    starts_at = frequency.bounds.starts_at
    if starts_at is not None and instant < starts_at:
        return first_from(frequency, starts_at)
    return _allowed(frequency, _unbounded(frequency, instant))


def first_from(frequency: Frequency, earliest: int) -> int | None:
    """The first instant of a schedule that may begin at this instant. An interval begins at once."""
    begin = max(earliest, frequency.bounds.starts_at or earliest)
    return _allowed(frequency, begin if frequency.every_us is not None else _unbounded(frequency, begin - 1))


def meaning_of(frequency: Frequency) -> tuple[Any, ...]:
    """What a frequency stands for: equal for every spelling of it, such as `@daily` and `00 0 * * *`."""
    if frequency.every_us is not None:
        return (frequency.every_us, frequency.bounds)
    expression = _plain(frequency.cron)
    sim = Cron(expression, EPOCH)
    weekdays = frozenset(day % 7 if isinstance(day, int) else (day[0] % 7, day[1]) for day in sim.weekdays)
    fields = map(frozenset, (sim.seconds, sim.minutes, sim.hours, sim.days, sim.nearest, sim.months))
    zone = zone_names.data_of(frequency.timezone)
    return (*fields, weekdays, sim.day_and, _is_fixed(expression), zone, frequency.bounds)


def between(frequency: Frequency, first: int | None, last: int, limit: int) -> tuple[Instants, int | None]:
    """The due instants from `first`, the earliest (None: there is none), to `last`, and the one that follows.

    Lists the latest `limit` instants. Takes time for about that many, however long ago `first` was: earlier ones are
    counted only where that costs nothing.
    """
    if first is None or first > last:
        return Instants(None, []), first
    if frequency.every_us is not None:
        return _between_evenly(frequency, frequency.every_us, first, last, limit)
    return _between_by_cron(frequency, first, last, limit)


def description_of(text: str) -> str:
    """A stored frequency in plain words, also one that this version can't read."""
    try:
        return description(frequency_of(text))
    except UnknownFrequency:
        return "At times that this version does not know"


def description(frequency: Frequency) -> str:
    """The frequency in plain words."""
    if frequency.every_us is None:
        return f"{words_of(_plain(frequency.cron))} ({frequency.timezone})"
    for length, unit in ((7 * DAY, "week"), (DAY, "day"), (60 * MINUTE, "hour"), (MINUTE, "minute")):
        if frequency.every_us % length == 0:
            count = frequency.every_us // length
            return f"Every {unit}" if count == 1 else f"Every {count} {unit}s"
    whole, rest = divmod(frequency.every_us, SECOND)
    seconds = f"{whole}.{rest:06d}".rstrip("0").rstrip(".")
    return "Every second" if seconds == "1" else f"Every {seconds} seconds"


@lru_cache(maxsize=8192)
def _plain(text: str) -> str:
    """The expression in a form that cronsim reads correctly: an alias spelled out, and a range of one value as that
    value, since cronsim takes 5-5/2 for 5/2."""
    return _LONE_RANGE.sub(lambda match: match[1], _spelled_out(text))


def _spelled_out(text: str) -> str:
    return ALIASES.get(text.strip(" \t").lower(), text)


def _refused(expected: str, got: str) -> CronRefused:
    return CronRefused(f"must {expected}, got {json.dumps(got[:60], ensure_ascii=False)}")


def _check_field(number: int, field: str) -> None:
    for item in field.split(","):
        if _is_day_of_its_month(number, item):
            continue
        match = _ITEM.fullmatch(item)
        words = [part.upper() for part in (match[1], match[3]) if part and part[0].isalpha()] if match else []
        if not match or (match[1] == "*" and match[2]) or not set(words) <= _NAMES.get(number, set()):
            raise _refused(f"have a {FIELDS[number]} of numbers, ranges, steps and names", item)


def _is_day_of_its_month(number: int, item: str) -> bool:
    """Whether a day is named by its place in the month: `L`, `LW` and `15W`, or `MON#2` and `5L`."""
    if number == 3:
        return item.upper() in _LAST_DAYS or NEAREST.fullmatch(item.upper()) is not None
    match = _NTH_WEEKDAY.fullmatch(item.upper()) if number == 5 else None
    return match is not None and (not match[1] or match[1].isdigit() or match[1] in _NAMES[5])


def _check_date(expression: str) -> None:
    try:
        sim = Cron(expression, EPOCH)
    except CronSimError as error:
        fields = expression.split()
        for number, field in enumerate(fields, len(FIELDS) - len(fields)):
            alone = ["*"] * len(FIELDS)
            alone[number] = field
            _check_range(" ".join(alone), number, field)
        raise _refused("name a date that exists", f"day {fields[-3]} of month {fields[-2]}") from error
    if next(sim, None) is None:
        raise _refused("name a date that comes within 50 years", expression)


def _check_range(alone: str, number: int, field: str) -> None:
    try:
        Cron(alone, EPOCH)
    except CronSimError:
        raise _refused(f"have a {FIELDS[number]} within its range, every range from low to high", field) from None


@lru_cache(maxsize=8192)  # a thousand schedules of the same second need the same answer
def _next_by_cron(expression: str, timezone: str, instant: int) -> int | None:
    zone = ZoneInfo(timezone)
    # Only the start of a minute can be due, or of a second: after 09:00:00.5 the next is 09:01.
    grain_s = _grain_us(expression) // SECOND
    after = datetime.fromtimestamp(instant // SECOND // grain_s * grain_s, UTC)
    due = (_next_fixed if _is_fixed(expression) else _next_real)(expression, zone, after)
    return None if due is None else int(due.timestamp()) * SECOND


def _unbounded(frequency: Frequency, instant: int) -> int | None:
    if frequency.every_us is not None:
        return instant + frequency.every_us
    return _next_by_cron(_plain(frequency.cron), frequency.timezone, instant)


def _allowed(frequency: Frequency, instant: int | None) -> int | None:
    """The instant, or the first behind the excluded days in which it lies; None when that is after the end."""
    bounds, every_us = frequency.bounds, frequency.every_us
    while instant is not None and (end := excluded_until(bounds, frequency.timezone, instant)) is not None:
        skipped = None if every_us is None else -(-(end - instant) // every_us) * every_us
        instant = _unbounded(frequency, end - 1) if skipped is None else instant + skipped
    return None if instant is None or (bounds.until is not None and instant > bounds.until) else instant


def _grain_us(expression: str) -> int:
    return SECOND if len(expression.split()) == len(FIELDS) else MINUTE


def _is_fixed(expression: str) -> bool:
    """Whether the times of day are fixed, so that each comes once a day whatever the clock does."""
    minute, hour = expression.split()[-5:-3]
    return not minute.startswith("*") and not hour.startswith("*")


def _next_fixed(expression: str, zone: ZoneInfo, after: datetime) -> datetime | None:
    for local in Cron(expression, after.astimezone(zone).replace(tzinfo=None)):
        due = _instant_of(local, zone)
        if due > after:
            return due
    return None


def _instant_of(local: datetime, zone: ZoneInfo) -> datetime:
    """When a zone's clock first shows this time, or jumps over it."""
    first = local.replace(tzinfo=zone).astimezone(UTC)
    if first.astimezone(zone).replace(tzinfo=None) == local:
        return first
    # In a gap fold=1 reads the offset after it, which gives an instant before it.
    return _next_change(zone, local.replace(tzinfo=zone, fold=1).astimezone(UTC), first) or first


def _next_real(expression: str, zone: ZoneInfo, after: datetime) -> datetime | None:
    """Searches from one change of the clock to the next, since local time runs evenly between them."""
    while after < LAST:
        offset = _offset(zone, after)
        local = next(Cron(expression, (after + offset).replace(tzinfo=None)), None)
        if local is None:
            return None
        due = local.replace(tzinfo=UTC) - offset
        change = _next_change(zone, after, due)
        if change is None:
            return due
        local = (change + _offset(zone, change)).replace(tzinfo=None)
        first = next(Cron(expression, local - timedelta(seconds=1)), None)
        if first == local:
            return change
        after = change
    return None


def _next_change(zone: ZoneInfo, after: datetime, until: datetime) -> datetime | None:
    """The first instant in (after, until] at which the zone's offset differs from that at `after`; probes each day."""
    offset = _offset(zone, after)
    while after < until:
        step = min(after + timedelta(days=1), until)
        if _offset(zone, step) != offset:
            return _change_between(zone, after, step, offset)
        after = step
    return None


def _change_between(zone: ZoneInfo, same: datetime, other: datetime, offset: timedelta) -> datetime:
    while other - same > timedelta(seconds=1):
        middle = same + timedelta(seconds=(other - same) // timedelta(seconds=2))
        if _offset(zone, middle) == offset:
            same = middle
        else:
            other = middle
    return other


def _offset(zone: ZoneInfo, instant: datetime) -> timedelta:
    return instant.astimezone(zone).utcoffset() or timedelta()


def _between_evenly(
    frequency: Frequency, every_us: int, first: int, last: int, limit: int
) -> tuple[Instants, int | None]:
    until, has_gaps = frequency.bounds.until, bool(frequency.bounds.exclude)
    end = last if until is None else min(last, until)
    count = max(0, (end - first) // every_us + 1)
    alone = min(count, limit)
    start = first + (count - alone) * every_us
    latest = [start + number * every_us for number in range(alone)]
    before = None if alone == count else (first, start - every_us, None if has_gaps else count - alone)
    kept = [at for at in latest if not has_gaps or _allowed(frequency, at) == at]
    return Instants(before, kept), _allowed(frequency, first + count * every_us)


def _between_by_cron(frequency: Frequency, first: int, last: int, limit: int) -> tuple[Instants, int | None]:
    """Looks back in spans that grow until one holds enough instants."""
    grain_us = _grain_us(_plain(frequency.cron))
    span = max(limit * grain_us, DAY // 60 * (grain_us // SECOND))
    while True:
        start = max(first, last - span)
        instants, following = _walk(frequency, start, last)
        if start == first or len(instants) >= limit:
            break
        span *= 4
    if start == first and len(instants) <= limit:
        return Instants(None, instants), following
    alone = instants[-limit:]
    count = len(instants) - len(alone) if start == first else None
    before_last = instants[-limit - 1] if len(instants) > limit else start - 1
    return Instants((first, before_last, count), alone), following


def _walk(frequency: Frequency, start: int, last: int) -> tuple[list[int], int | None]:
    """The instants from `start` to `last`, and the next."""
    instants: list[int] = []
    at = next_after(frequency, start - 1)
    while at is not None and at <= last:
        instants.append(at)
        at = next_after(frequency, at)
    return instants, at
