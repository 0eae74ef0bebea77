"""Two sessions at once: one ends an event while the other adds the next. The later commit releases the next event."""

import json

import pytest
from peewee import OperationalError

from models.database.connection import database
from models.database.sql import fetch
from models.database.transactions import transaction
from models.jobs import lifecycle, staging
from models.jobs.job_tables import Job
from models.rules import clock
from models.webhooks import event_order, notifications
from models.webhooks.delivery_config import NONE
from models.webhooks.event_types import FAILED, FINISHED
from models.webhooks.notifications import JobEvent
from tests.support.races import map_at_once
from tests.support.rows import make_job, plan_of, reread

ABOUT = {"response": None, "error": None, "timings": None}


@pytest.fixture
def parent(account):
    return make_job(account, "completed", notify=json.dumps({"webhook": "http://hooks.example/"}))


def notify(parent, kind, about):
    """What a recorder does: it writes within a transaction, and releases events after it."""
    with transaction():
        waiting = notifications.add([JobEvent(parent.id, kind, clock.now(), about)], lambda _: NONE, clock.now())
    event_order.release_next_events(waiting)


def end(claim):
    with transaction():
        lifecycle.complete([claim], clock.now())
    event_order.release_next_events([claim.parent_id])


@pytest.mark.parametrize("number", range(10))
def test_the_next_event_goes_whichever_of_two_at_once_is_first(parent, number):
    notify(parent, FAILED, {"attempt": 1})
    [claim] = lifecycle.claim([Job.get(Job.kind == "event").id], clock.now(), clock.SECOND)
    calls = [lambda: notify(parent, FINISHED, ABOUT), lambda: end(claim)]

    map_at_once(lambda call: call(), calls[:: 1 if number % 2 else -1])

    [due] = staging.due(0, clock.now(), 10)
    assert due.kind == "event"
    assert reread(Job(id=due.id)).after_uuid is None


def undone(parent):
    with transaction():
        notifications.add([JobEvent(parent.id, FINISHED, clock.now(), ABOUT)], lambda _: NONE, clock.now())
        raise RuntimeError


def test_an_event_added_in_a_transaction_that_is_undone_is_not_there(parent):
    with pytest.raises(RuntimeError):
        undone(parent)
    assert not database.in_transaction()
    assert Job.select().count() == 1


def test_without_the_database_events_wait_for_the_ticker(parent, monkeypatch):
    notify(parent, FAILED, {"attempt": 1})
    [claim] = lifecycle.claim([Job.get(Job.kind == "event").id], clock.now(), clock.SECOND)
    notify(parent, FINISHED, ABOUT)
    with monkeypatch.context() as broken:
        broken.setattr(event_order, "fetch", gone)
        end(claim)
    assert staging.due(0, clock.now(), 10) == []
    assert event_order.release_left_over_events(clock.now()) == 1


def gone(*_):
    raise OperationalError("gone")


def test_the_search_for_what_a_crash_left_reads_no_other_jobs(parent, db, monkeypatch):
    """It holds the writers of SQLite up for as long as it reads."""
    statements = []
    monkeypatch.setattr(event_order, "fetch", lambda sql, params: statements.append((sql, params)) or [])
    event_order.release_left_over_events(clock.now())
    [(sql, params)] = statements
    plan = plan_of(db, sql, params)
    assert "job_after" in plan
    assert "SCAN event" not in plan


def test_the_look_for_who_goes_next_reads_none_of_the_other_jobs(parent, db, monkeypatch):
    """At each claim and each record: PostgreSQL once read every event that waited, or every job, each time."""
    notify(parent, FAILED, {"attempt": 1})
    notify(parent, FAILED, {"attempt": 2})
    statements = []
    monkeypatch.setattr(
        event_order, "fetch", lambda sql, params: statements.append((sql, params)) or fetch(sql, params)
    )
    event_order.release_next_events([parent.id])
    assert len(statements) == 2
    plans = [plan_of(db, sql, params) for sql, params in statements]
    assert "job_parent" in plans[0]
    assert "job_uuid" in plans[1]
