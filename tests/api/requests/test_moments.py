"""Times as clients write them: durations, dates, timestamps."""

import math
from contextlib import suppress
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.responses import timestamps
from models.rules import times
from models.rules.clock import SECOND


def instant_of(*parts):
    return int(datetime(*parts, tzinfo=UTC).timestamp()) * SECOND


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("1970-01-01T00:00:00Z", 0),
        ("2026-03-01T12:30:45", instant_of(2026, 3, 1, 12, 30, 45)),
        ("2026-03-01 12:30:45z", instant_of(2026, 3, 1, 12, 30, 45)),
        ("2026-03-01t12:30", instant_of(2026, 3, 1, 12, 30)),
        ("2026-03-01T12:30:45.123456789Z", instant_of(2026, 3, 1, 12, 30, 45) + 123456),
        ("2026-03-01T12:30:45,5Z", instant_of(2026, 3, 1, 12, 30, 45) + 500000),
        ("2026-03-01T12:30:45+02:00", instant_of(2026, 3, 1, 10, 30, 45)),
        ("2026-03-01T12:30:45+05", instant_of(2026, 3, 1, 7, 30, 45)),
        ("2026-03-01T12:30:45-05", instant_of(2026, 3, 1, 17, 30, 45)),
        ("2026-03-01T12:30:45-0230", instant_of(2026, 3, 1, 15, 0, 45)),
        ("2028-02-29T00:00:00Z", instant_of(2028, 2, 29)),
        ("0001-01-01T00:00:00+23:59", instant_of(1970, 1, 1) + (-719162 * 86400 - 86340) * SECOND),
        ("9999-12-31T23:59:59-23:59", instant_of(9999, 12, 31, 23, 59, 59) + 86340 * SECOND),
    ],
)
def test_a5_a_date_with_a_time_is_an_instant(text, instant):
    assert times.parse_instant(text) == instant


@pytest.mark.parametrize(
    "text",
    [
        "2026-W01-1",
        "2026-W01-1T00:00:00",
        "2026-060T00:00:00",
        "20260101T000000",
        "2026-01-01",
        "2026-02-30T00:00:00Z",
        "2026-02-29T00:00:00Z",
        "2026-13-01T00:00:00Z",
        "0000-01-01T00:00:00Z",
        "2026-01-01T24:00:00Z",
        "2026-01-01T23:60:00Z",
        "2026-06-30T23:59:60Z",
        "2026-01-01T00:00:00+24:00",
        "2026-01-01T00:00:00+24",
        "2026-01-01T00:00:00+5",
        "2026-01-01T00:00:00+05:",
        "2026-01-01T00:00:00+00:60",
        "2026-01-01T00:00:00Zjunk",
        " 2026-01-01T00:00:00Z",
        "2026-01-01T00:00:00Z\n",
        "２０２６-01-01T00:00:00Z",
        "10000-01-01T00:00:00Z",
        "1767258001",
        "now",
        "",
    ],
)
def test_anything_else_is_none(text):
    with pytest.raises(ValueError):
        times.parse_instant(text)


@pytest.mark.parametrize(
    ("number", "instant"),
    [
        (0, 0),
        (-5, -5 * SECOND),
        (1767258001, 1767258001 * SECOND),
        (1767258001.25, 1767258001 * SECOND + 250_000),
        (10**11 - 1, (10**11 - 1) * SECOND),
        (10**11, 10**8 * SECOND),
        (1767258001500, 1767258001 * SECOND + 500_000),
    ],
)
def test_numbers_are_seconds_and_from_1e11_on_milliseconds(number, instant):
    assert times.parse_instant(number) == instant


@pytest.mark.parametrize(
    ("value", "length"),
    [
        (0, 0),
        (-0.0, 0),
        (5, 5 * SECOND),
        (0.0000004, 0),
        ([1, "second"], SECOND),
        ([2, "minutes"], 120 * SECOND),
        ([1.5, "hour"], 5400 * SECOND),
        ([3, "days"], 259200 * SECOND),
        ((1, "week"), 604800 * SECOND),
        (1e308, int(1e308) * SECOND),
    ],
)
def test_a_duration_is_seconds_or_a_number_with_its_unit(value, length):
    assert times.parse_duration(value) == length


@pytest.mark.parametrize(
    "value",
    [-1, True, "5", None, [], [5], [5, "s"], [5, "Seconds"], [5, None], ["5", "days"], [-1, "days"], [1, "day", 2]]
    + [math.nan, math.inf, [math.inf, "days"], {"a": 1}, [5, ["days"]]],
)
def test_anything_else_is_no_duration(value):
    with pytest.raises((ValueError, TypeError)):
        times.parse_duration(value)


@given(st.datetimes(min_value=datetime(1, 1, 2), max_value=datetime(9999, 12, 30)))
def test_an_instant_survives_writing_and_reading(at):
    instant = times.parse_instant(at.isoformat())
    assert timestamps.micros_utc(instant) == at.isoformat(timespec="microseconds") + "Z"
    assert timestamps.seconds(instant) == at.replace(microsecond=0).isoformat()
    assert timestamps.seconds_utc(instant) == timestamps.seconds(instant) + "Z"


@given(st.text(max_size=40) | st.floats() | st.integers() | st.lists(st.text() | st.floats(), max_size=3))
def test_no_value_does_worse_than_be_refused(value):
    for read in (times.parse_instant, times.parse_duration):
        with suppress(ValueError, TypeError):
            assert isinstance(read(value), int)
