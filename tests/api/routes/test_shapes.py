"""Rows as the API shows them: what is not known is null, and each count is under its own name."""

import pytest

from api.routes.operations import operations
from api.routes.schedule_runs import firing
from models.operations.operation_store import OperationRow
from models.schedules import firing_rows
from models.schedules.firing_rows import FiringRow


@pytest.mark.parametrize(
    ("until_at", "instants", "until", "count"),
    [
        (None, None, None, 1),
        (5_000_000, 48, "1970-01-01T00:00:05.000000Z", 48),
        (5_000_000, None, "1970-01-01T00:00:05.000000Z", None),  # too many to be counted
    ],
)
def test_a_run_says_for_how_many_instants_it_stands_if_that_is_known(until_at, instants, until, count):
    row = FiringRow("s", 1_000_000, firing_rows.MISSED, None, None, 7_000_000, until_at, instants)

    shown = firing(row)

    assert (shown["until"], shown["count"], shown["lateness_ms"], shown["job_id"]) == (until, count, None, None)


@pytest.mark.parametrize("more_left", [0, 1])
def test_an_operation_says_whether_its_count_of_what_is_left_is_the_whole(more_left):
    fields = dict.fromkeys(OperationRow._fields)
    counts = {"done": 1, "failed": 2, "jobs_left": 3, "more_left": more_left, "at_most": 4}

    shown = operations.shape(OperationRow(**{**fields, "sent": '{"label": "a"}', **counts}))

    assert shown["more_left"] is bool(more_left)
    assert (shown["done"], shown["failed"], shown["left"], shown["limit"]) == (1, 2, 3, 4)
    assert (shown["filter"], shown["ended_at"]) == ({"label": "a"}, None)
