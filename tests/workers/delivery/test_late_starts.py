"""Requests of a flow with a rate that leave later than their starts were counted: no window gets more than its share,
wherever on the way the time was lost."""

import asyncio
import threading
import time

import pytest
from peewee import OperationalError

from models.flows import late_starts, orders
from models.flows.gate_tables import GateStart
from models.jobs.job_store import NewJob
from models.operations import claims
from models.rules import clock
from models.rules.address_rules import AddressPolicy, parse_allow
from tests.support.flows import MARGIN, flow, ids_through
from tests.support.rows import reread
from tests.support.waiting import wait_until
from workers.delivery import last_look
from workers.delivery.senders import Senders
from workers.delivery.slots.slots import Slots
from workers.transport import exchange
from workers.transport.client import Transport
from workers.transport.deadline import LATE_MS, TOO_LATE_MS

ARGS = '{{"method": "post", "url": "{}"}}'


class Results(list):
    """Stands where the recorder stands."""

    put = list.extend


@pytest.fixture
def senders(db, receiver):
    made = Senders(Slots(64, share=1), Transport(AddressPolicy(parse_allow("127.0.0.0/8"))), Results(), clock.MINUTE)
    made.start()
    yield made
    made.drain(0)


@pytest.fixture
def dialing(senders, monkeypatch):
    """Connections are made when the event is set."""
    dialer, go = senders._transport._dialer, threading.Event()
    connect = dialer.connect

    async def slowly(*args):
        while not go.is_set():
            await asyncio.sleep(0.001)
        return await connect(*args)

    monkeypatch.setattr(dialer, "connect", slowly)
    return go


def jobs_of_flow(account, receiver, count, per_s=60):
    """Claims of jobs of a flow that lets all of them start in one window, and no more; and a job behind them."""
    named = flow(rate=count, per_s=per_s)
    new = NewJob(account.id, ARGS.format(receiver.url), None, None, clock.now(), gates=(named,))
    ids = [orders.create(new, clock.now())[0].id for _ in range(count + 1)]
    return claims.claim(ids, clock.now(), MARGIN), ids[-1]


def submit(senders, jobs):
    """As the deliver actor does: a slot is taken for each."""
    senders._slots.take([job.ref for job in jobs])
    senders.submit(jobs)


def started_at():
    return [row.started_at for row in GateStart.select().order_by(GateStart.number)]


def pass_ms(milliseconds):
    """Let so much time pass for the request that waits."""
    time.sleep(milliseconds / 1000)


def test_a_request_counts_from_when_its_connection_was_there(account, senders, receiver, dialing):
    jobs, _ = jobs_of_flow(account, receiver, 2)
    submit(senders, jobs)
    pass_ms(TOO_LATE_MS)
    connected_at = clock.now()

    dialing.set()
    wait_until(lambda: len(receiver.arrivals) == 2)

    assert min(started_at()) >= connected_at


def test_a_request_counts_from_when_it_left_although_its_question_was_answered_long_before(
    account, senders, receiver, dialing, monkeypatch
):
    """The loop stood still between the answer and the first byte."""
    [job], _ = jobs_of_flow(account, receiver, 1)
    left_at = []

    def counted_long_ago(_exchange, permission):
        time.sleep(3 * LATE_MS / 1000)
        left_at.append(clock.now())
        _exchange._start.count_anew(permission.counted_ns)
        _exchange._write(_exchange._connection)

    monkeypatch.setattr(exchange.Exchange, "_hear_permission", counted_long_ago)
    submit(senders, [job])
    pass_ms(TOO_LATE_MS)
    dialing.set()
    wait_until(lambda: receiver.arrivals)

    wait_until(lambda: started_at()[0] >= left_at[0], what="the start to be corrected")


def test_a_request_on_time_counts_from_its_claim(account, senders, receiver, monkeypatch):
    monkeypatch.setattr(exchange, "LATE_MS", 60_000)
    monkeypatch.setattr(exchange, "TOO_LATE_MS", 60_000)
    [job], _ = jobs_of_flow(account, receiver, 1)
    counted_at = started_at()

    submit(senders, [job])
    wait_until(lambda: receiver.arrivals)

    assert started_at() == counted_at


def test_a_late_request_waits_while_its_start_can_not_be_counted(account, senders, receiver, dialing, monkeypatch):
    """It went out all the same after half a second, in the middle of a later window."""
    monkeypatch.setattr(last_look, "AGAIN_S", 0.001)
    [job], _ = jobs_of_flow(account, receiver, 1)
    tries, count_anew, may_count = [], late_starts.count_anew, threading.Event()

    def fail_at_first(jobs):
        tries.append(len(receiver.arrivals))
        if not may_count.is_set():
            raise OperationalError("canceling statement due to lock timeout")
        return count_anew(jobs)

    monkeypatch.setattr(late_starts, "count_anew", fail_at_first)
    submit(senders, [job])
    pass_ms(TOO_LATE_MS)
    dialing.set()
    wait_until(lambda: len(tries) > 3)
    assert receiver.arrivals == []

    may_count.set()
    wait_until(lambda: receiver.arrivals)

    assert tries == [0] * len(tries)


def test_a_late_request_without_a_rate_waits_for_no_count(account, senders, receiver, dialing, monkeypatch):
    new = NewJob(account.id, ARGS.format(receiver.url), None, None, clock.now(), gates=(flow(concurrency=1),))
    job_id = orders.create(new, clock.now())[0].id
    counted = []
    monkeypatch.setattr(late_starts, "count_anew", lambda jobs: counted.append(jobs) or set())

    submit(senders, claims.claim([job_id], clock.now(), MARGIN))
    pass_ms(TOO_LATE_MS)
    dialing.set()
    wait_until(lambda: receiver.arrivals)

    assert counted == []


def test_a_request_so_late_that_others_took_its_place_waits_for_another_turn(account, senders, receiver, dialing):
    [job], behind = jobs_of_flow(account, receiver, 1, per_s=60)
    GateStart.update(started_at=GateStart.started_at - clock.MINUTE).execute()
    submit(senders, [job])
    pass_ms(TOO_LATE_MS)
    assert ids_through([behind]) == [behind]

    dialing.set()
    wait_until(lambda: senders._slots.in_use == 0)

    assert (receiver.arrivals, reread(job).state, reread(job).attempt) == ([], "available", 0)


def test_a_correction_that_fails_is_made_later(account, senders, receiver, monkeypatch):
    monkeypatch.setattr(exchange, "LATE_MS", -1)
    monkeypatch.setattr(exchange, "TOO_LATE_MS", 60_000)
    monkeypatch.setattr(last_look, "AGAIN_S", 0.001)
    [job], _ = jobs_of_flow(account, receiver, 1)
    [counted_at], tries, correct = started_at(), [], late_starts.correct

    def fail_at_first(sent):
        tries.append(sent)
        if len(tries) < 3:
            raise OperationalError("gone")
        return correct(sent)

    monkeypatch.setattr(late_starts, "correct", fail_at_first)
    submit(senders, [job])

    wait_until(lambda: started_at()[0] > counted_at)
    assert len(tries) == 3
