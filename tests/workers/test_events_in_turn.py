"""An event whose forerunner is accepted just before it is stored goes at once, whoever stores it.

Its forerunner's end found no event that waited, so nobody else lets it go before the ticker looks for what was left.
"""

import pytest

from models.jobs.job_tables import Job
from models.operations import cancelling
from models.rules import clock
from models.webhooks import event_order
from runtime.settings import load
from tests.support.acks import WITHIN_S, acknowledge, answer_later
from tests.support.follow_ups import follow_ups
from tests.support.results import answered, result_of
from tests.support.rows import claim_of, make_job
from tests.support.waiting import wait_until
from workers.delivery.delivery import Delivery
from workers.delivery.recorder import record
from workers.ticker.acknowledger import end_acknowledged
from workers.ticker.rescuer import rescue_lost


@pytest.fixture
def job(account, receiver, moved_clock):
    """A job whose first attempt has failed, with an event of that."""
    notify = '{"webhook": "https://hooks.example/"}'
    made = make_job(account, url=receiver.url + "/hang", host="127.0.0.1", notify=notify)
    record([result_of(claim_of(made), answered(503))])
    moved_clock.advance(hours=1)
    return made


@pytest.fixture
def accept(monkeypatch):
    """A function: from now on all events are accepted between the look at who is untried and the commit."""
    look = event_order.untried_events

    def look_and_let_end(parent_ids):
        untried = look(parent_ids)
        assert untried
        Job.update(state="completed").where(Job.kind == "event").execute()
        return untried

    return lambda: monkeypatch.setattr(event_order, "untried_events", look_and_let_end)


def be_answered(job, accept, _clock):
    claim = claim_of(job)
    accept()
    record([result_of(claim, answered())])


def be_acknowledged(job, accept, _clock):
    Job.update(ack_within_us=WITHIN_S * clock.SECOND).where(Job.id == job.id).execute()
    claim = answer_later(claim_of(job))
    acknowledge(claim)
    accept()
    end_acknowledged(clock.now())


def be_lost(job, accept, moved_clock):
    claim_of(job)
    moved_clock.advance(hours=1)
    accept()
    rescue_lost(clock.now())


def be_cancelled(job, accept, _clock):
    accept()
    cancelling.cancel(job.account_id, job.id, clock.now())


@pytest.mark.parametrize("happen", [be_answered, be_acknowledged, be_lost, be_cancelled])
def test_what_happens_to_a_job_lets_its_event_go_if_the_one_before_was_accepted_meanwhile(
    job, accept, moved_clock, happen
):
    before = {event.id for event in follow_ups("event")}

    happen(job, accept, moved_clock)

    first = next(event for event in follow_ups("event") if event.id not in before)
    assert (first.after_uuid, first.held_until) == (None, None)


def test_a_claim_lets_its_event_go_if_the_one_before_was_accepted_meanwhile(job, accept, receiver):
    before = {event.id for event in follow_ups("event")}
    delivery = Delivery(load({"BOOPER_TARGET_ALLOW": "127.0.0.0/8"}))
    delivery.start()
    accept()
    try:
        delivery.deliver([(job.id, job.account_id, job.host)], clock.now())
        wait_until(lambda: receiver.arrivals)
        first = next(event for event in follow_ups("event") if event.id not in before)
    finally:
        receiver.let_go.set()
        delivery.close()
        delivery.drain()

    assert (first.after_uuid, first.held_until) == (None, None)
