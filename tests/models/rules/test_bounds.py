"""Which instants a frequency loses by its bounds: against a filter over the unbounded instants, and on known days."""

import random
from datetime import date, datetime
from zoneinfo import ZoneInfo

import pytest

from models.rules.bounds import Bounds, bounds_of, days_of, merged, text_of
from models.rules.clock import DAY, HOUR, MINUTE, SECOND
from models.rules.recurrence import Frequency, Instants, between, first_from, meaning_of, next_after
from tests.support.random_bounds import random_bounds
from tests.support.schedule_scale import cases

CASES = cases(60, 10_000)
ZONES = ["UTC", "Europe/Vienna", "America/Sao_Paulo", "America/Havana", "Asia/Beirut", "Pacific/Auckland"]
CRONS = ["0 9 * * *", "30 23 * * *", "*/20 * * * *", "0 0 * * 1-5", "0 12 L * *", "0 6 * * 5L", "15 0 1 * *"]
CRONS += ["0 6 15W * *", "30 2 1W,31W * *", "0 0 * * mon#1,fri#3", "15 30 9,21 * * *", "*/20 0 2 * * 0"]


def at(text, zone="UTC"):
    return int(datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).timestamp()) * SECOND


def walked(frequency, first, last):
    instants, instant = [], first_from(frequency, first)
    while instant is not None and instant <= last:
        instants.append(instant)
        instant = next_after(frequency, instant)
    return instants


def test_random_bounds_of_cron_leave_the_instants_that_a_filter_leaves():
    chance = random.Random(17)
    left = lost = 0

    for _ in range(CASES):
        zone, year = chance.choice(ZONES), chance.randint(2010, 2035)
        first = at(f"{year}-{chance.randint(1, 12):02}-01T00:00")
        last = first + 50 * DAY
        free = Frequency(cron=chance.choice(CRONS), timezone=zone)
        bounds, fits = random_bounds(chance, first, last, zone)
        wanted = [instant for instant in walked(free, first, last) if fits(instant)]

        bounded = free._replace(bounds=bounds)
        assert walked(bounded, first, last) == wanted, (bounded, first)
        begin = first_from(bounded, first)
        assert between(bounded, begin, last, 10_000)[0] == Instants(None, wanted)
        left, lost = left + len(wanted), lost + len(walked(free, first, last)) - len(wanted)

    assert min(left, lost) > CASES


def test_random_bounds_of_an_interval_keep_its_beat():
    chance = random.Random(18)

    for _ in range(cases(100, 500)):
        first = at("2026-03-01T00:00") + chance.randint(0, DAY)
        last, every_us = first + 30 * DAY, chance.choice([20 * MINUTE, 7 * HOUR, 25 * HOUR])
        bounds, fits = random_bounds(chance, first, last, "UTC")
        begin = max(first, bounds.starts_at or first)
        wanted = [instant for instant in range(begin, last + 1, every_us) if fits(instant)]

        bounded = Frequency(every_us=every_us, bounds=bounds)
        assert walked(bounded, first, last) == wanted
        if wanted:
            instants, following = between(bounded, wanted[0], last, 10_000)
            assert instants == Instants(None, wanted)
            assert following == next_after(bounded, wanted[-1])
            (before, latest), _ = between(bounded, wanted[0], last, 5)
            assert before is None or before[2] in (None, len(wanted) - len(latest))


def test_an_excluded_day_is_one_of_the_schedule_s_zone():
    vienna = Frequency(
        cron="30 0 * * *", timezone="Europe/Vienna", bounds=Bounds(exclude=merged([days_of("2026-12-24")]))
    )

    assert walked(vienna, at("2026-12-22T22:00"), at("2026-12-25T22:00")) == [
        at("2026-12-23T00:30", "Europe/Vienna"),
        at("2026-12-25T00:30", "Europe/Vienna"),
    ]


def test_the_end_is_the_last_instant_that_counts():
    daily = Frequency(cron="0 9 * * *", bounds=Bounds(until=at("2026-12-02T09:00")))

    assert next_after(daily, at("2026-12-01T12:00")) == at("2026-12-02T09:00")
    assert next_after(daily, at("2026-12-02T09:00")) is None
    assert first_from(daily, at("2026-12-02T09:00") + 1) is None


def test_every_day_excluded_leaves_none_until_they_end():
    everything = {"from": "2026-01-01", "to": "2027-12-31"}
    daily = Frequency(cron="0 9 * * *", bounds=Bounds(exclude=merged([days_of(everything)])))

    assert next_after(daily, at("2026-06-01T00:00")) == at("2028-01-01T09:00")


def test_bounds_that_mean_the_same_are_equal():
    spelled = {"exclude": [{"from": "2026-12-24", "to": "2026-12-25"}], "until": "2026-12-31T01:00:00+01:00"}
    usual = {"exclude": ["2026-12-25", "2026-12-24", "2026-12-24"], "until": "2026-12-31T00:00:00Z"}
    hourly = Frequency(every_us=HOUR)

    assert bounds_of(spelled) == bounds_of(usual)
    first, other = (hourly._replace(bounds=bounds_of(fields)) for fields in (spelled, usual))
    assert meaning_of(first) == meaning_of(other) != meaning_of(hourly)
    assert bounds_of({"cron": "0 9 * * *"}) == Bounds()
    as_object = {"exclude": {"days": ["2026-12-24"], "calendars": ["rest"]}, "until": "2026-12-31T00:00:00Z"}
    assert bounds_of(as_object, text_of([days_of("2026-12-25")])) == bounds_of(usual)
    assert bounds_of({"exclude": {"calendars": ["rest"]}}, "[]") == Bounds()


@pytest.mark.parametrize(
    "value",
    ["2026-02-30", "24.12.2026", "", 20261224, None, "9999-01-01", {"from": "2026-12-24"}, ["2026-12-24"]]
    + [{"from": "2026-12-25", "to": "2026-12-24"}, {"from": "2026-12-24", "to": "2026-12-25", "x": 1}],
)
def test_what_names_no_days_is_refused(value):
    with pytest.raises(ValueError):  # noqa: PT011 - the caller words the error
        days_of(value)


def test_ranges_that_touch_become_one():
    assert merged([(5, 6), (1, 2), (3, 3), (9, 9)]) == ((1, 3), (5, 6), (9, 9))
    assert days_of("1970-01-01") == (date(1970, 1, 1).toordinal(),) * 2
