"""The threads that send: how many there are, what they take up, and what becomes of what they can't."""

import threading

import pytest
from peewee import OperationalError

from models.jobs import lifecycle
from models.jobs.job_ref import JobRef
from models.rules import clock
from tests.support.rows import make_job, reread
from workers.delivery import senders as sending
from workers.delivery.senders import BASE, QUEUED, SLOW_S, STRAINED_S, Senders, busy_allowed
from workers.delivery.slots import Slots
from workers.transport.outcome import Answered, Timings

LIMIT_S = 20


class HangingTransport:
    """Stands where workers.outbound.Transport stands: each request hangs until `let_go`."""

    def __init__(self):
        self.let_go = threading.Event()
        self.begun = threading.Semaphore(0)

    def send(self, request):
        self.begun.release()
        assert self.let_go.wait(LIMIT_S)
        return Answered(200, [], b"", False, Timings())

    def await_begun(self, count):
        assert all(self.begun.acquire(timeout=LIMIT_S) for _ in range(count))


class Results(list):
    """Stands where the recorder stands."""

    put = list.append


@pytest.fixture
def transport():
    made = HangingTransport()
    yield made
    made.let_go.set()


@pytest.fixture
def senders(transport):
    made = Senders(Slots(64, share=1), transport, Results(), clock.MINUTE)
    made.start()
    yield made
    transport.let_go.set()
    made.drain(LIMIT_S)


def submit(senders, jobs):
    """As the deliver actor does: a slot is taken for each."""
    senders._slots.take([JobRef(job.id, job.account_id, job.host) for job in jobs])
    senders.submit(jobs)


def claim_jobs(account, count):
    ids = [make_job(account).id for _ in range(count)]
    return lifecycle.claim(ids, clock.now(), clock.SECOND)


def test_requests_that_hang_all_get_a_thread(account, senders, transport):
    submit(senders, claim_jobs(account, 40))
    transport.await_begun(40)


def test_requests_to_a_fast_target_let_no_further_thread_be_busy():
    assert busy_allowed([SLOW_S / 2] * BASE, strain=0) == BASE


def test_requests_that_wait_for_their_target_do():
    assert busy_allowed([SLOW_S * 2] * BASE, strain=0) == BASE + BASE * 3 // 2


def test_in_a_strained_process_the_same_age_lets_none_be_busy():
    """Threads that wait for the interpreter once passed for slow targets: there came to be 500 of them."""
    assert busy_allowed([SLOW_S * 2] * BASE, strain=0.5) == BASE
    assert busy_allowed([SLOW_S + STRAINED_S] * BASE, strain=0.5) > BASE


def test_a_claim_waits_while_enough_jobs_are_queued(account, senders, transport, monkeypatch):
    monkeypatch.setattr(sending, "QUEUED", 10)
    monkeypatch.setattr(senders, "_queue", type(senders._queue)(claim_jobs(account, 10)))
    with senders.room_for(5, timeout_s=0) as has_room:
        assert not has_room
    senders._queue.clear()
    with senders.room_for(5, timeout_s=0) as has_room:
        assert has_room


def test_what_others_are_claiming_counts_as_queued(senders):
    with senders.room_for(QUEUED, timeout_s=0) as first, senders.room_for(1, timeout_s=0) as second:
        assert (first, second) == (True, False)
    with senders.room_for(1, timeout_s=0) as after:
        assert after


def test_jobs_that_get_no_thread_are_given_back(account, senders, transport, monkeypatch):
    jobs = claim_jobs(account, 3)
    submit(senders, jobs[:1])
    transport.await_begun(1)

    def refuse(_count):
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(senders, "_start_threads", refuse)
    given_back = threading.Event()
    give = senders._slots.give
    monkeypatch.setattr(senders._slots, "give", lambda jobs: (give(jobs), given_back.set()))
    submit(senders, jobs[1:])
    assert given_back.wait(LIMIT_S)
    transport.let_go.set()
    senders.drain(LIMIT_S)
    assert [(reread(job).state, reread(job).attempt) for job in jobs[1:]] == [("available", 0)] * 2
    assert reread(jobs[0]).state == "executing"
    assert senders._slots.in_use == 0


def test_what_can_not_be_given_back_does_not_keep_a_process_from_ending_in_order(
    account, senders, transport, monkeypatch
):
    """What had been answered was then not recorded, however soon the database was back."""
    jobs = claim_jobs(account, 1)
    submit(senders, jobs)
    transport.await_begun(1)
    monkeypatch.setattr(sending.lifecycle, "release", lambda _jobs: (_ for _ in ()).throw(OperationalError("gone")))
    senders.drain(0)
    assert reread(jobs[0]).state == "executing"
