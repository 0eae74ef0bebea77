"""Quiet hours go by the clock of their zone, over midnight and on the days on which it is set."""

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from models.alerts.conditions import Quiet
from models.alerts.quiet_hours import end_of_quiet
from models.rules.clock import SECOND

NIGHT = Quiet(22 * 60, 7 * 60, "Europe/Berlin")
NOON = Quiet(12 * 60, 13 * 60, "Europe/Berlin")


def berlin(*fields):
    return int(datetime(*fields, tzinfo=ZoneInfo("Europe/Berlin")).timestamp()) * SECOND


IN_GAP = Quiet(22 * 60, 2 * 60 + 30, "Europe/Berlin")


@pytest.mark.parametrize(
    ("quiet", "now", "end"),
    [
        (NIGHT, (2026, 1, 5, 22, 0), (2026, 1, 6, 7, 0)),
        (NIGHT, (2026, 1, 6, 6, 59), (2026, 1, 6, 7, 0)),
        (NIGHT, (2026, 1, 6, 7, 0), None),
        (NIGHT, (2026, 1, 6, 21, 59), None),
        (NOON, (2026, 1, 6, 12, 30), (2026, 1, 6, 13, 0)),
        (NOON, (2026, 1, 6, 13, 0), None),
        (NIGHT, (2026, 3, 28, 23, 0), (2026, 3, 29, 7, 0)),  # the night on which it is set an hour ahead
        (IN_GAP, (2026, 3, 29, 1, 0), (2026, 3, 29, 3, 0)),  # the clock skips the end
        (IN_GAP, (2026, 3, 30, 1, 0), (2026, 3, 30, 2, 30)),
        (IN_GAP, (2026, 10, 25, 1, 0), (2026, 10, 25, 2, 30)),  # it comes twice
        (NIGHT, (2026, 10, 24, 23, 0), (2026, 10, 25, 7, 0)),  # and an hour back
    ],
)
def test_quiet_hours_end_at_their_hour(quiet, now, end):
    assert end_of_quiet(quiet, berlin(*now)) == (end and berlin(*end))
