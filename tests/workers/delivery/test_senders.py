"""What becomes of claimed jobs in a sending process, and of what it can't send or finish."""

import asyncio
import contextlib
import json
import threading
import time

import pytest
from peewee import OperationalError

from models.jobs import lifecycle
from models.jobs.job_tables import Job
from models.rules import clock
from models.rules.address_rules import AddressPolicy, parse_allow
from models.schedules.cancel import cancel
from tests.support.flows import keys_awake, let_through, order_with_two_behind, sleep_all
from tests.support.rows import claim_job, make_job, reread
from tests.support.waiting import wait_until
from workers.delivery import senders as sending
from workers.delivery.judge import Retry, judge
from workers.delivery.senders import Senders
from workers.delivery.slots.slots import Slots
from workers.transport.client import Transport
from workers.transport.deadline import LOOK_AFTER_MS
from workers.transport.outcome import Answered, Refused
from workers.transport.unsent import Unsent

LIMIT_S = 60


class Results(list):
    """Stands where the recorder stands."""

    put = list.extend


@pytest.fixture
def results():
    return Results()


@pytest.fixture
def senders(db, results, receiver):
    transport = Transport(AddressPolicy(parse_allow("127.0.0.0/8")))
    made = Senders(Slots(64, share=1), transport, results, clock.MINUTE)
    made.start()
    yield made
    receiver.let_go.set()
    made.drain(0)  # some tests leave requests under way that nobody will end


def submit(senders, jobs):
    """As the deliver actor does: a slot is taken for each."""
    senders._slots.take([job.ref for job in jobs])
    senders.submit(jobs)


def claimed(account, count, url="http://127.0.0.1:9/"):
    ids = [make_job(account, url=url).id for _ in range(count)]
    return lifecycle.claim(ids, clock.now(), clock.SECOND)


def test_requests_that_hang_are_all_under_way_at_once(account, senders, results, receiver):
    jobs = claimed(account, 40, receiver.url + "/hang")

    submit(senders, jobs)

    wait_until(lambda: len(receiver.arrivals) == 40)
    assert (senders._slots.in_use, results) == (40, [])
    receiver.let_go.set()
    wait_until(lambda: senders._slots.in_use == 0)
    assert [type(result.outcome) for result in results] == [Answered] * 40


def test_a_job_for_a_listener_gives_its_slot_back_at_once(account, senders, results):
    jobs = claimed(account, 2, "listener://laptop/hook")

    submit(senders, jobs)

    wait_until(lambda: senders._slots.in_use == 0)
    assert (senders.under_way(), results) == ([], [])
    assert {reread(job).state for job in jobs} == {"executing"}


def test_many_requests_to_a_fast_target_share_connections(account, senders, results, receiver):
    submit(senders, claimed(account, 60, receiver.url))
    wait_until(lambda: senders._slots.in_use == 0)
    assert [getattr(result.outcome, "status_code", result.outcome) for result in results] == [200] * 60


@pytest.fixture
def slow_dial(senders, monkeypatch):
    """Connections are made when the event is set."""
    dialer, go = senders._transport._dialer, threading.Event()
    connect = dialer.connect

    async def slowly(*args):
        while not go.is_set():
            await asyncio.sleep(0.01)
        return await connect(*args)

    monkeypatch.setattr(dialer, "connect", slowly)
    return go


def test_t10_a_job_cancelled_while_its_connection_is_made_is_not_sent(account, senders, results, receiver, slow_dial):
    """Its request went out seconds after the cancel was answered."""
    job, kept = claimed(account, 2, receiver.url)
    submit(senders, [job, kept])
    time.sleep(LOOK_AFTER_MS / 1000)

    cancel([job.id], "by its owner", None, clock.now(), waiting_only=False)
    slow_dial.set()
    wait_until(lambda: senders._slots.in_use == 0)

    assert len(receiver.arrivals) == 1
    assert [result.job.id for result in results] == [kept.id]
    assert (reread(job).state, reread(job).claim_id, reread(job).attempt) == ("cancelled", None, 0)


def test_t10_a_request_goes_out_when_nobody_can_say_whether_it_is_wanted(
    account, senders, results, receiver, slow_dial, monkeypatch
):
    monkeypatch.setattr(lifecycle, "cancelled_of", lambda _jobs: (_ for _ in ()).throw(OperationalError("gone")))
    submit(senders, claimed(account, 1, receiver.url))
    time.sleep(LOOK_AFTER_MS / 1000)
    slow_dial.set()
    wait_until(lambda: senders._slots.in_use == 0)
    assert [result.outcome.status_code for result in results] == [200]


def test_a_job_that_can_not_be_made_into_a_request_ends_as_refused(account, senders, results, monkeypatch, caplog):
    monkeypatch.setattr(sending, "render_request", lambda *_: (_ for _ in ()).throw(ValueError("secret")))
    submit(senders, claimed(account, 1))
    [result] = results
    assert result.outcome == Refused("invalid_request", "ValueError")
    assert f"job {result.job.id} could not be made into a request" in caplog.text
    assert senders._slots.in_use == 0


def test_a_job_whose_request_booper_does_not_send_ends_with_the_reason(account, senders, results):
    """This process has no address at which a target could acknowledge."""
    submit(senders, [claim_job(account, ack_within_us=clock.MINUTE)])
    [result] = results
    assert (type(result.outcome), result.outcome.reason) == (Refused, "invalid_request")
    assert "BOOPER_PUBLIC_URLS" in result.outcome.detail
    assert senders._slots.in_use == 0


def test_a_job_is_given_back_when_the_database_goes_before_its_request_is_made(
    account, senders, results, monkeypatch, caplog
):
    monkeypatch.setattr(sending, "render_request", lambda *_: (_ for _ in ()).throw(OperationalError("gone")))
    submit(senders, [job := claimed(account, 1)[0]])
    assert (reread(job).state, reread(job).attempt, reread(job).claim_id) == ("available", 0, None)
    assert (results, senders._slots.in_use) == ([], 0)
    assert f"database gone (gone): job {job.id} is given back" in caplog.text


def test_a_job_for_whose_request_there_was_no_memory_is_tried_again(account, senders, results, monkeypatch):
    """It was discarded for good, whatever attempts it had left."""
    monkeypatch.setattr(sending, "render_request", lambda *_: (_ for _ in ()).throw(MemoryError))
    submit(senders, [job := claimed(account, 1)[0]])
    [result] = results
    assert isinstance(judge(result.outcome, job, clock.now(), 0.5), Retry)
    assert senders._slots.in_use == 0


def test_no_mail_is_sent_after_the_end(senders, monkeypatch):
    closed = []
    monkeypatch.setattr(senders._mailer, "close", lambda: closed.append("mailer"))
    senders.drain(0)
    assert closed == ["mailer"]


def test_what_outlasts_the_grace_is_left_and_given_back(account, senders, results, receiver):
    [job] = claimed(account, 1, receiver.url + "/hang")
    submit(senders, [job])
    wait_until(lambda: receiver.arrivals)

    senders.drain(0)

    assert (reread(job).state, reread(job).attempt) == ("available", 0)
    assert results == []
    assert not any(thread.name == "transport" for thread in threading.enumerate())


def test_what_was_given_back_is_under_way_no_more(account, senders, receiver):
    """A drain would wait for it until its grace is over."""
    submit(senders, claimed(account, 1, receiver.url + "/hang"))
    wait_until(lambda: receiver.arrivals)

    senders.abandon()

    assert senders.under_way() == []


def test_who_waits_behind_a_job_that_is_given_back_is_looked_at(account, senders, receiver):
    ids = order_with_two_behind(account)
    Job.update(args=json.dumps({"url": receiver.url + "/hang"})).execute()
    submit(senders, let_through(ids))
    wait_until(lambda: receiver.arrivals)
    sleep_all()

    senders.drain(0)

    assert keys_awake() == {"shop", "user"}


def test_what_can_not_be_given_back_does_not_keep_a_process_from_ending_in_order(
    account, senders, receiver, monkeypatch, caplog
):
    """What had been answered was then not recorded, however soon the database was back."""
    [job] = claimed(account, 1, receiver.url + "/hang")
    submit(senders, [job])
    wait_until(lambda: receiver.arrivals)
    monkeypatch.setattr(sending.lifecycle, "release", lambda _jobs: (_ for _ in ()).throw(OperationalError("gone")))
    senders.drain(0)
    assert reread(job).state == "executing"
    assert "database gone (gone): the leases of 1 jobs bring them back" in caplog.text


def test_a_claim_waits_while_many_requests_have_not_gone_out():
    unsent = Unsent(10)
    unsent.add(10)
    assert not has_room(unsent)
    threading.Timer(0.01, unsent.take).start()
    assert has_room(unsent, LIMIT_S)


def test_one_claim_alone_goes_on_when_there_is_room_for_one():
    """All that waited would claim at once, and what they claim counts as attempted and is not."""
    unsent = Unsent(10)
    with unsent.room(10, 0) as first:
        assert first
        assert not has_room(unsent)
        unsent.add(10)
    assert not has_room(unsent)


def test_room_that_a_claim_did_not_use_is_free_again():
    unsent = Unsent(10)
    with contextlib.suppress(OSError), unsent.room(10, 0):
        raise OSError
    with unsent.room(10, 0) as first, unsent.room(1, 0) as second:
        assert first
        assert not second
    assert has_room(unsent)


def has_room(unsent, timeout_s=0):
    with unsent.room(1, timeout_s) as is_free:
        return is_free
