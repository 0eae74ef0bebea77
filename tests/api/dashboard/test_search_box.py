"""What is typed into the search box, as filters; and the way back."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from api.dashboard.searching.search_box import read, written

BERLIN = ZoneInfo("Europe/Berlin")
NOW = int(datetime(2026, 11, 28, 12, tzinfo=UTC).timestamp() * 1_000_000)


@pytest.mark.parametrize(
    ("typed", "fields"),
    [
        ("", {}),
        ("state:failed host:example.com", {"state": "discarded", "host": "example.com"}),
        ("State:FAILED", {"state": "discarded"}),
        ("status:5xx label:customer:7*", {"status_code": "5xx", "label": "customer:7*"}),
        ('name:"welcome mail"', {"name": "welcome mail"}),
        ("welcome  mail state:due", {"text": "welcome mail", "state": "available"}),
        ("https://example.com:8443/a?b=c:d", {"text": "https://example.com:8443/a?b=c:d"}),
        ('"colour:red"', {"text": "colour:red"}),
        ('"never closed', {"text": "never closed"}),
        ("after:yesterday", {"after": "2026-11-26T23:00:00.000000Z"}),
        ("after:today", {"after": "2026-11-27T23:00:00.000000Z"}),
        ("after:2h", {"after": "2026-11-28T10:00:00.000000Z"}),
        ("before:2026-07-01", {"before": "2026-06-30T22:00:00.000000Z"}),
        ("before:2026-07-01T08:30", {"before": "2026-07-01T06:30:00.000000Z"}),
        ("after:tomorrow", {"after": "2026-11-28T23:00:00.000000Z"}),
        ("scheduled_before:+2h", {"scheduled_before": "2026-11-28T14:00:00.000000Z"}),
        ("scheduled_before:2026-07-01T08:30", {"scheduled_before": "2026-07-01T06:30:00.000000Z"}),
        ("before:2026-07-01T08:30Z", {"before": "2026-07-01T08:30:00.000000Z"}),
    ],
)
def test_a_search_is_read_as_the_filters_of_the_api(typed, fields):
    search = read(typed, NOW, BERLIN)
    assert (search.fields, search.problems) == (fields, [])


@pytest.mark.parametrize(
    ("typed", "problem"),
    [
        ("colour:red", "unknown word colour: must be one of state, kind, label"),
        ("state:failing", "state must be one of available"),
        ("state:", "got nothing"),
        ("host:", "host must have a value"),
        ("after:soon", "after must be today, yesterday"),
        ("after:2026-13-01", "after must be today, yesterday"),
        ("after:999999999999w", "after must be today, yesterday"),
        ("after:9999-12-31T23:59:59-23:00", "after must be today, yesterday"),
        ("host:a.example host:b.example", "host must be given once"),
    ],
)
def test_what_a_search_does_not_understand_is_told(typed, problem):
    search = read(typed, NOW, BERLIN)
    assert problem in search.problems[0]


@pytest.mark.parametrize(
    "fields",
    [
        {"state": "discarded", "host": "example.com", "label": "customer:7"},
        {"text": "a b", "name": "welcome mail"},
        {"status_code": "5xx", "after": "2026-11-28T10:00:00.000000Z"},
        {"text": "colour:red"},
    ],
)
def test_filters_are_written_as_a_search_that_reads_the_same(fields):
    assert read(written(fields), NOW, BERLIN)[:2] == (fields, [])
