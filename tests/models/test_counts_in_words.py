"""What is told of many: all of them up to a limit, and beyond it how many more."""

import pytest

from api.dashboard import filters
from models.alerts import messages
from models.alerts.messages import OPENED, IncidentRow, Message
from models.flows import waits
from models.operations import explain, overview
from models.operations.heartbeats import WorkerRow
from models.operations.operator_alerts import troubles

INCIDENT = IncidentRow(1, "u", 7, "nightly", "failed", "gate:1", "backup", "", 1, 0, 0, None, None, None)
WORKER = WorkerRow("a", "host", 1, "1", 8, 0, 0, 0)


def last_line_about_incidents(count):
    return messages.lines(Message(OPENED, "nightly", [INCIDENT] * count, 0))[-1]


def silent_workers(count):
    [trouble] = troubles._workers([WORKER._replace(id=str(number)) for number in range(count)], [])
    return trouble.detail


def queued(count):
    calm = explain.Facts("available", 0, 0, 20, 0, None, None, None, None, None, count, 0, 1, 8, 0, 0)
    return explain._queued(calm)[0].text


@pytest.mark.parametrize(
    ("written", "at_the_limit", "beyond", "limit"),
    [
        (last_line_about_incidents, "backup fails", "and 1 more", messages.LISTED),
        (silent_workers, "host (process 1)", "and 1 more", 3),
        (waits._ahead, "10,000 jobs go before it", "more than 10,000 jobs go before it", waits.COUNTED),
        (queued, "10,000 jobs were", "more than 10,000 jobs were", explain.COUNTED),
        (filters.capped, "10,000", "10,000+", overview.CAP),
    ],
)
def test_a_limit_of_what_is_told_is_told_whole_and_one_more_is_told_as_more(written, at_the_limit, beyond, limit):
    assert at_the_limit in written(limit)
    assert "more" not in written(limit)
    assert "+" not in written(limit)
    assert beyond in written(limit + 1)
