"""What a commit sets off is left to the ticker while the database is away: nothing is raised, and one line says so."""

import logging

import peewee
import pytest

from models.flows import gates, leaving, parking
from models.jobs.lifecycle import CancelledJob
from models.webhooks import event_order

JOBS = [CancelledJob(1, 1, None, flow_id=3, lane_id=4), CancelledJob(2, 1, None, flow_id=3, lane_id=5)]
CALLS = {  # what is called, what needs the database, and what is told
    "room at gates": (lambda: leaving.make_room(JOBS), (gates, "wake"), "the ticker looks at 3 gates later"),
    "a second look": (
        lambda: leaving.look_again([7, 8]),
        (parking, "wake_overlooked"),
        "the ticker looks at 2 gates later",
    ),
    "the next events": (
        lambda: event_order.release_next_events({5, 6, 7, 8}),
        (event_order, "_ready"),
        "events of 4 jobs wait for the ticker",
    ),
}


@pytest.mark.parametrize("call", CALLS)
def test_work_that_a_commit_sets_off_is_left_to_the_ticker_and_told(monkeypatch, caplog, call):
    does, (module, name), left = CALLS[call]

    def is_away(*_):
        raise peewee.OperationalError("gone away")

    monkeypatch.setattr(module, name, is_away)
    does()

    [line] = caplog.records
    assert (line.levelno, line.getMessage()) == (logging.WARNING, f"database gone (gone away): {left}")
