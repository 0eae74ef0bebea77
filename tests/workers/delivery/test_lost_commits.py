"""Commits whose answer is lost: what they may have stored is put right as soon as the database answers."""

import contextlib
import logging
import threading

import pytest
from peewee import OperationalError

from models.database.connection import connection
from models.jobs import lifecycle
from models.jobs.job_tables import Attempt, Job
from models.rules import clock
from runtime.settings import load
from tests.support.lost_answers import answer_lost
from tests.support.messages import RememberedMessages
from tests.support.rows import make_job, reread
from tests.support.schedule_rows import create_schedule
from tests.support.waiting import wait_until
from workers.delivery import delivery as delivering
from workers.delivery.delivery import Delivery
from workers.delivery.unknown_claims import UnknownClaims
from workers.ticker.stager import Stager
from workers.ticker.ticker import drop_connection


@pytest.fixture
def delivery(db, monkeypatch):
    monkeypatch.setattr(delivering, "DATABASE_PAUSE_S", 0.01)
    made = Delivery(load({"BOOPER_TARGET_ALLOW": "127.0.0.0/8"}))
    for part in (made.recorder, made.senders):
        part.start()
    yield made
    made.close()
    made.drain()


def named(*jobs):
    """As a message names them."""
    return [(job.id, job.account_id, job.host) for job in jobs]


def test_c1_jobs_whose_claim_was_committed_unanswered_are_sent_at_once(account, delivery, receiver):
    """They were under way for nobody until their leases ended: late by 41 s, and their worker counted as lost."""
    jobs = [make_job(account, url=receiver.url, host="127.0.0.1", max_attempts=1) for _ in range(3)]

    with answer_lost():
        delivery.deliver(named(*jobs), clock.now())

    wait_until(lambda: Attempt.select().count() == 3)
    assert {(job.state, job.attempt, job.crashes) for job in Job.select()} == {("completed", 1, 0)}
    assert len(receiver.arrivals) == 3


def test_a_schedule_s_job_whose_claim_was_committed_unanswered_is_sent_at_once(account, delivery, receiver):
    create_schedule(account)
    Job.update(args=f'{{"url": "{receiver.url}", "method": "get"}}').execute()

    with answer_lost():
        delivery.deliver(named(Job.get()), clock.now())

    wait_until(lambda: Attempt.select().count())
    assert (Job.get().state, Job.get().attempt) == ("completed", 1)


def test_a_claim_that_was_not_committed_is_made_again(account, delivery, receiver, monkeypatch):
    """The outcome is as unknown to the process; nothing is to be given back."""
    job = make_job(account, url=receiver.url, host="127.0.0.1")
    failures = iter([OperationalError("gone")])

    def failing(*args, really=lifecycle.claim):
        for failure in failures:
            raise failure
        return really(*args)

    monkeypatch.setattr(lifecycle, "claim", failing)
    delivery.deliver(named(job), clock.now())

    wait_until(lambda: Attempt.select().count())
    assert (reread(job).state, reread(job).attempt) == ("completed", 1)


def test_a_claim_of_unknown_outcome_is_given_back_although_its_message_is_dropped(account, delivery, monkeypatch):
    """No other message may come to this process; the heartbeat calls this."""
    job = make_job(account)
    monkeypatch.setattr(delivering, "HOLD_S", 0.5)
    monkeypatch.setattr(delivering, "DATABASE_PAUSE_S", 0.6)
    with answer_lost():
        delivery.deliver(named(job), clock.now())
    assert reread(job).state == "executing"

    delivery.unknown_claims.settle()

    assert (reread(job).state, reread(job).attempt, reread(job).claim_id) == ("available", 0, None)


def unknown_claim(claims, job):
    """The job is claimed, and this process does not know whether it is."""
    with contextlib.suppress(OperationalError), claims.claiming([job.id]) as claim_id:
        [claim] = lifecycle.claim([job.id], clock.now(), clock.MINUTE, claim_id)
        raise OperationalError
    return claim


def test_what_another_claim_took_meanwhile_is_not_given_back(account, moved_clock):
    claims, job = UnknownClaims(), make_job(account, timeout_ms=0)
    unknown_claim(claims, job)
    moved_clock.advance(minutes=2)
    lifecycle.rescue(clock.now())
    [claim] = lifecycle.claim([job.id], clock.now(), clock.MINUTE)

    claims.settle()

    assert (reread(job).state, reread(job).claim_id) == ("executing", claim.claim_id)


def test_a_job_cancelled_after_a_claim_of_unknown_outcome_has_no_attempt_and_no_claim(account, moved_clock):
    claims, job = UnknownClaims(), make_job(account)
    unknown_claim(claims, job)
    lifecycle.cancel([job.id], clock.now(), waiting_only=False)

    claims.settle()

    row = reread(job)
    assert (row.state, row.attempt, row.claim_id, row.lease_until) == ("cancelled", 0, None, None)


def test_a_commit_that_is_still_under_way_is_waited_for(account, db):
    """The connection was cut, and the database has yet to commit: nothing seems to be claimed."""
    if db == "sqlite":
        pytest.skip("SQLite commits in the process")
    claims, job = UnknownClaims(), make_job(account)
    claimed, cut = threading.Event(), threading.Event()

    def commit_late():
        with connection(), lifecycle.transaction():
            lifecycle.claim([job.id], clock.now(), clock.MINUTE, fences[0])
            claimed.set()
            cut.wait(60)

    with contextlib.suppress(OperationalError), claims.claiming([job.id]) as claim_id:
        fences = [claim_id]
        raise OperationalError
    thread = threading.Thread(target=commit_late)
    thread.start()
    claimed.wait(60)

    claims.settle()
    cut.set()
    thread.join(60)
    assert reread(job).state == "executing"

    claims.settle()
    assert (reread(job).state, reread(job).claim_id) == ("available", None)


def test_c1b_marks_that_were_committed_unanswered_are_staged_again_in_the_next_round(account, moved_clock):
    """They stood without a message: their jobs were up to 14 s late."""
    messages = RememberedMessages()
    stager = Stager(messages, 10 * clock.SECOND, bound=300)
    jobs = [make_job(account) for _ in range(3)]
    with answer_lost(), pytest.raises(OperationalError):
        stager.stage_due(clock.now())
    drop_connection()
    assert {reread(job).staged_at for job in jobs} == {clock.now()}
    assert messages.named == []

    stager.stage_due(clock.now())
    assert sorted(messages.named) == [job.id for job in jobs]
    stager.stage_due(clock.now())
    assert len(messages.named) == 3


def test_what_the_broker_did_not_take_is_staged_again_though_the_database_went_too(account, moved_clock, monkeypatch):
    messages, job = RememberedMessages(), make_job(account)
    stager = Stager(messages, 10 * clock.SECOND, bound=300)
    messages.accepts = 0
    with answer_lost(of_commit=2), pytest.raises(OperationalError):
        stager.stage_due(clock.now())
    drop_connection()

    messages.accepts = 10
    stager.stage_due(clock.now())

    assert messages.named == [job.id]


@pytest.fixture(autouse=True)
def quiet(caplog):
    caplog.set_level(logging.CRITICAL)


def test_jobs_that_got_no_connection_leave_their_slots_to_others(account, delivery, receiver, monkeypatch):
    """A message that found no connection kept its slots for good: after some crashes of the database none was free."""
    job, opened = make_job(account, url=receiver.url, host="127.0.0.1"), connection

    @contextlib.contextmanager
    def refused():
        monkeypatch.setattr(delivering, "connection", opened)
        raise OperationalError("the database system is starting up")
        yield

    monkeypatch.setattr(delivering, "connection", refused)
    delivery.deliver(named(job), clock.now())

    wait_until(lambda: reread(job).state == "completed")
    assert delivery.slots.in_use == 0
