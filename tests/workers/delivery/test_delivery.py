"""What a delivering process does with claims that are no longer fresh: the database or the system let it wait."""

import select
import socket
import threading

import psycopg
import pytest
from peewee import OperationalError

from models.flows import gates
from models.jobs import lifecycle, staging
from models.jobs.job_ref import JobRef
from models.jobs.job_tables import Attempt, Job
from models.operations import claims as claiming
from models.rules import clock
from models.webhooks import channels
from runtime.settings import load
from tests.support.flows import flow, order
from tests.support.locks import closed_to_writers, held_by_another, wait_until_a_writer_waits
from tests.support.races import held_elsewhere, map_at_once
from tests.support.rows import claim_job, make_job, reread
from tests.support.schedule_rows import create_schedule
from tests.support.waiting import wait_until
from workers.delivery import delivery as delivering
from workers.delivery import recorder as recording
from workers.delivery.attempt_records import Result
from workers.delivery.delivery import LOOKS, Delivery
from workers.delivery.render import render_request
from workers.delivery.slots.put_off import SnoozedJob
from workers.delivery.slots.slots import Taken
from workers.transport.outcome import Answered, Timings

MARGIN = {"BOOPER_LEASE_MARGIN_SECONDS": "10", "BOOPER_TARGET_ALLOW": "127.0.0.0/8"}


@pytest.fixture
def delivery(db):
    made = Delivery(load(MARGIN))
    made.start()
    yield made
    made.close()
    made.drain()


def deliver_in_thread(delivery, job):
    thread = threading.Thread(target=delivery.deliver, args=([(job.id, job.account_id, job.host)], job.scheduled_at))
    thread.start()
    return thread


@pytest.mark.parametrize("seconds", [6, 3600])
def test_a_job_whose_claim_had_to_wait_is_never_sent_under_a_lease_that_is_half_over(
    account, db, delivery, receiver, moved_clock, seconds
):
    """Its lease was counted from before the wait, so it was taken for lost, and sent again, while it was recorded."""
    job = make_job(account, url=receiver.url, host="127.0.0.1", timeout_ms=1000)
    with closed_to_writers(db):
        thread = deliver_in_thread(delivery, job)
        wait_until_a_writer_waits(db)
        moved_clock.advance(seconds=seconds)
    thread.join(60)
    if db == "postgresql":
        wait_until(lambda: reread(job).state == "available")
        assert (reread(job).attempt, receiver.arrivals) == (0, [])
        delivery.deliver([(job.id, job.account_id, job.host)], job.scheduled_at)
    wait_until(lambda: Attempt.select().count())
    assert reread(job).attempted_at == moved_clock.now
    assert (reread(job).state, len(receiver.arrivals)) == ("completed", 1)


def test_a_job_whose_claim_waited_a_little_is_sent(account, db, delivery, receiver, moved_clock):
    job = make_job(account, url=receiver.url, host="127.0.0.1", timeout_ms=1000)
    with closed_to_writers(db):
        thread = deliver_in_thread(delivery, job)
        wait_until_a_writer_waits(db)
        moved_clock.advance(seconds=4)
    thread.join(60)
    wait_until(lambda: Attempt.select().count())
    assert (reread(job).state, len(receiver.arrivals)) == ("completed", 1)
    assert moved_clock.now - reread(job).attempted_at <= 4 * clock.SECOND


@pytest.fixture
def claims(account, delivery, receiver, moved_clock):
    """A job claimed by this process, with its slot, and not yet sent."""
    job = make_job(account, url=receiver.url, host="127.0.0.1", timeout_ms=1000)
    assert delivery.slots.take([JobRef(job.id, job.account_id, job.host)]).admitted
    return lifecycle.claim([job.id], clock.now(), 10 * clock.SECOND)


def test_a_request_whose_claim_is_stale_is_given_back_unsent(claims, delivery, receiver, moved_clock):
    """A process that was frozen sent, when it went on, what another one was about to send again."""
    moved_clock.advance(seconds=5.001)
    delivery.senders.submit(claims)
    wait_until(lambda: delivery.slots.in_use == 0)
    assert (reread(claims[0]).state, reread(claims[0]).attempt, receiver.arrivals) == ("available", 0, [])


def test_a_request_whose_claim_is_fresh_enough_is_sent(claims, delivery, receiver, moved_clock):
    moved_clock.advance(seconds=5)
    delivery.senders.submit(claims)
    wait_until(lambda: reread(claims[0]).state == "completed")
    assert len(receiver.arrivals) == 1


def test_a_stale_claim_that_was_rescued_meanwhile_is_neither_sent_nor_given_back(
    claims, delivery, receiver, moved_clock
):
    moved_clock.advance(seconds=12)
    assert lifecycle.rescue(clock.now())
    [again] = lifecycle.claim([claims[0].id], clock.now(), 10 * clock.SECOND)
    delivery.senders.submit(claims)
    wait_until(lambda: delivery.slots.in_use == 0)
    assert (reread(again).state, reread(again).attempt, receiver.arrivals) == ("executing", 2, [])


def test_a_process_told_to_end_at_once_records_what_was_answered(claims, delivery, monkeypatch):
    """It was sent again, when its lease had ended, and counted as a crash."""

    def after_the_close(*args, really=recording.record):
        assert delivery._closed.wait(20)
        return really(*args)

    monkeypatch.setattr(recording, "record", after_the_close)
    answered = Answered(200, [], b"", False, Timings())
    delivery.recorder.put([Result(claims[0], render_request(claims[0]), answered, clock.now())])
    delivery.abandon()
    assert reread(claims[0]).state == "completed"


def lock_not_available():
    error = OperationalError("canceling statement due to lock timeout")
    error.__cause__ = psycopg.errors.LockNotAvailable()
    return error


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (OperationalError("gone"), "database gone (gone): 1 jobs with limits wait"),
        (lock_not_available(), "another session holds what limits some of 1 jobs: those wait"),
        (ValueError("a bug"), "jobs with limits, or of schedules, could not be claimed: they are put off"),
    ],
)
def test_what_stops_jobs_with_limits_is_named_and_stops_no_others(
    account, delivery, receiver, monkeypatch, caplog, error, text
):
    """The next claim of such jobs need not wait for the turn of the one that failed."""
    free = make_job(account, url=receiver.url, host="127.0.0.1")
    [limited] = order(account, flow(concurrency=1))
    with monkeypatch.context() as broken:
        broken.setattr(claiming, "claim", lambda *_: (_ for _ in ()).throw(error))
        delivery.deliver([*named(free), (limited, account.id, "")], clock.now())

    wait_until(lambda: reread(free).state == "completed")
    assert text in caplog.text
    assert delivery._limits_turn.acquire(blocking=False)


def test_no_job_is_claimed_while_too_many_results_wait(account, delivery, receiver, monkeypatch):
    job = make_job(account, url=receiver.url, host="127.0.0.1", staged_at=clock.now())
    monkeypatch.setattr(delivering, "HOLD_S", 0.1)
    monkeypatch.setattr(recording, "MAX_WAITING", 0)
    delivery.deliver([(job.id, job.account_id, job.host)], job.scheduled_at)
    assert (reread(job).state, reread(job).staged_at, receiver.arrivals) == ("available", None, [])
    monkeypatch.setattr(recording, "MAX_WAITING", 1)
    delivery.deliver([(job.id, job.account_id, job.host)], job.scheduled_at)
    wait_until(lambda: reread(job).state == "completed")


def named(*jobs):
    """As a message names them."""
    return [(job.id, job.account_id, job.host) for job in jobs]


def test_a_job_whose_message_came_before_its_time_can_be_named_again(account, delivery, receiver, moved_clock):
    """The clock was set back, or the job was put off: it would have waited until its message was missed."""
    early = make_job(account, "scheduled", due_in_s=60, staged_at=clock.now(), host="127.0.0.1")
    due = make_job(account, url=receiver.url, staged_at=clock.now(), host="127.0.0.1")

    delivery.deliver(named(early, due), clock.now())

    wait_until(lambda: reread(due).state == "completed" and delivery.slots.in_use == 0)
    assert (reread(early).state, reread(early).attempt, reread(early).staged_at) == ("scheduled", 0, None)


def test_a_schedule_s_job_whose_message_came_before_its_time_can_be_named_again(account, delivery, moved_clock):
    create_schedule(account)
    Job.update(scheduled_at=clock.now() + clock.MINUTE, staged_at=clock.now()).execute()
    delivery.deliver(named(Job.get()), clock.now())
    assert (Job.get().attempt, Job.get().staged_at, delivery.slots.in_use) == (0, None, 0)


def test_a_job_that_another_process_has_claimed_keeps_its_state_and_takes_no_slot(account, delivery, receiver):
    job = make_job(account, url=receiver.url, host="127.0.0.1")
    lifecycle.claim([job.id], clock.now(), clock.MINUTE)
    delivery.deliver(named(job), clock.now())
    assert (reread(job).state, reread(job).attempt, delivery.slots.in_use) == ("executing", 1, 0)
    assert receiver.arrivals == []


def test_c2_a_job_that_another_session_holds_delays_none_that_its_message_names_too(account, db, delivery, receiver):
    """An operator had locked one row: the other 99 jobs were up to 38 s late."""
    jobs = [make_job(account, url=receiver.url, host="127.0.0.1", staged_at=clock.now()) for _ in range(3)]
    with held_by_another(db, jobs[0]):
        delivery.deliver(named(*jobs), clock.now())
        wait_until(lambda: all(reread(job).state == "completed" for job in jobs[1:]))
    assert (reread(jobs[0]).state, reread(jobs[0]).attempt) == ("available", 0)


def test_a_job_that_another_session_held_for_a_moment_is_claimed_all_the_same(account, db, delivery, receiver):
    job = make_job(account, url=receiver.url, host="127.0.0.1", staged_at=clock.now())
    tries = []
    with held_by_another(db, job) as session:

        def claim(*args, really=delivery._claim, **kwargs):
            tries.append(really(*args, **kwargs))
            session.rollback()
            return tries[-1]

        delivery._claim = claim
        delivery.deliver(named(job), clock.now())

    wait_until(lambda: reread(job).state == "completed")
    assert [len(held) for held in tries] == [1, 0]


def test_a_gate_that_another_session_holds_delays_none_that_it_does_not_limit(
    account, db, delivery, receiver, monkeypatch
):
    """A process was frozen while it held the row of a flow: the whole message waited."""
    if db == "sqlite":
        pytest.skip("SQLite's writers take turns")
    monkeypatch.setattr(gates, "BRIEFLY_MS", 1)
    plain = make_job(account, url=receiver.url, host="127.0.0.1", staged_at=clock.now())
    [limited_id] = order(account, flow(concurrency=1))
    limited = Job.get_by_id(limited_id)

    with held_elsewhere("gate", limited.flow_id):
        delivery.deliver(named(plain, limited), clock.now())
        wait_until(lambda: reread(plain).state == "completed")
        assert (reread(limited).state, reread(limited).attempt) == ("available", 0)

    assert [job.id for job in claiming.claim([limited_id], clock.now(), 0)] == [limited_id]


OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


def test_a_process_that_has_drained_leaves_no_connection_open(account, delivery):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(10)
        job = make_job(account, url=f"http://127.0.0.1:{listener.getsockname()[1]}/", host="127.0.0.1")
        delivery.deliver(named(job), clock.now())
        target, _ = listener.accept()
        with target:
            target.settimeout(10)
            target.recv(65536)
            target.sendall(OK)
            wait_until(lambda: reread(job).state == "completed")
            assert not select.select([target], [], [], 0)[0]  # kept for the next request

            delivery.close()
            delivery.drain()

            assert target.recv(1) == b""


def test_a_message_goes_to_the_channel_that_was_set_a_moment_before(account, delivery, receiver):
    delivery._configs.refresh([account.id])
    channels.configure(account.id, "slack", receiver.url, clock.now())
    channels.forward(account.id, "slack", "alex", "hi", 0, clock.now())
    job = Job.get()

    delivery.deliver([(job.id, job.account_id, job.host)], job.scheduled_at)

    wait_until(lambda: Attempt.select().count())
    wait_until(lambda: delivery.slots.in_use == 0)  # the message did not say that it is a follow-up
    assert reread(job).state == "completed"


@pytest.fixture
def held_slots(delivery, monkeypatch):
    """All slots of a host are taken; the fixture is those who hold them."""
    monkeypatch.setattr(delivering, "LOOK_AGAIN_S", 0)
    held = [JobRef(-number, 99, "127.0.0.1", is_follow_up) for number in range(9999) for is_follow_up in (False, True)]
    taken = delivery.slots.take(held).admitted
    yield taken
    delivery.slots.give(taken)


@pytest.fixture
def full_share(delivery, held_slots, monkeypatch):
    """All slots of a host are taken, and nobody asks for one again; the fixture is how often slots were asked for."""
    asked_for, take = [], delivery.slots.take
    monkeypatch.setattr(delivery.slots, "take", lambda jobs: asked_for.append(jobs) or take(jobs))
    monkeypatch.setattr(delivery._put_off, "remember", lambda jobs: None)
    return asked_for


def test_a_message_waits_a_moment_for_a_full_share_and_then_its_job_is_snoozed(account, delivery, full_share):
    job = make_job(account, host="127.0.0.1", staged_at=clock.now(), staged_count=1)
    delivery.deliver(named(job), clock.now())
    assert (reread(job).state, reread(job).staged_at, len(full_share)) == ("available", None, LOOKS + 1)
    assert reread(job).held_until > clock.now()


def test_a_message_of_follow_ups_does_not_wait_for_a_full_share(account, delivery, full_share):
    """Messages of requests had to wait for its thread."""
    job = make_job(account, host="127.0.0.1", staged_at=clock.now(), staged_count=1)
    delivery.deliver([(job.id, -job.account_id, job.host)], clock.now())
    assert (reread(job).staged_at, len(full_share)) == (None, 1)
    assert reread(job).held_until > clock.now()


def test_a_job_whose_share_comes_free_in_a_moment_is_sent(account, delivery, receiver, full_share, monkeypatch):
    job = make_job(account, url=receiver.url, host="127.0.0.1")
    take = delivery.slots.take

    def taking(jobs):
        if len(full_share) == LOOKS:
            delivery.slots.give([JobRef(0, 99, "127.0.0.1")])
        return take(jobs)

    monkeypatch.setattr(delivery.slots, "take", taking)
    delivery.deliver(named(job), clock.now())

    wait_until(lambda: reread(job).state == "completed")
    delivery.slots.take([JobRef(0, 99, "127.0.0.1")])


def give_one(delivery, held_slots):
    delivery.slots.give([held_slots.pop(0)])


def test_a_snoozed_job_is_sent_as_soon_as_a_slot_is_free_for_it(account, delivery, receiver, held_slots):
    """It slept for up to 24 s beside a free slot: a slow target got half of what it could take."""
    job = make_job(account, url=receiver.url, host="127.0.0.1", staged_at=clock.now(), staged_count=9)
    delivery.deliver(named(job), clock.now())
    assert reread(job).held_until > clock.now() + 7 * clock.SECOND

    give_one(delivery, held_slots)

    wait_until(lambda: reread(job).state == "completed")
    wait_until(lambda: delivery.slots.in_use == len(held_slots))


MOVED = {
    "paused": lambda job: staging.pause([job.id]),
    "snoozed by another process": lambda job: staging.snooze([job.id], clock.now() + clock.SECOND, clock.SECOND),
    "due later": lambda job: lifecycle.reschedule(job.id, {}, clock.now() + clock.HOUR),
    "cancelled": lambda job: lifecycle.cancel([job.id], clock.now(), waiting_only=True),
}


@pytest.mark.parametrize("move", MOVED.values(), ids=MOVED)
def test_a_snoozed_job_that_was_moved_since_is_not_sent_for_a_free_slot(
    account, delivery, receiver, held_slots, monkeypatch, move
):
    job = make_job(account, url=receiver.url, host="127.0.0.1", staged_at=clock.now(), staged_count=1)
    with monkeypatch.context() as nobody_looks:
        nobody_looks.setattr(delivery._put_off, "look", lambda: None)
        delivery.deliver(named(job), clock.now())
        move(job)
        moved = reread(job)
        give_one(delivery, held_slots)
    delivery._put_off.look()

    assert (reread(job), receiver.arrivals) == (moved, [])
    assert (delivery.slots.in_use, delivery._put_off._kinds) == (len(held_slots), {})


@pytest.mark.parametrize("which", ["over_share", "no_slot"])
def test_a_snoozed_job_for_which_there_is_no_slot_yet_stays_remembered(account, delivery, monkeypatch, which):
    ref = JobRef(1, account.id, "127.0.0.1")
    monkeypatch.setattr(delivery.slots, "take", lambda jobs: Taken([], [], [])._replace(**{which: jobs}))
    assert delivery._claim_put_off([SnoozedJob(ref, 7)]) == [SnoozedJob(ref, 7)]


def test_jobs_that_wait_for_slots_are_left_alone_from_the_close_on(delivery):
    thread = delivery._put_off._thread
    assert thread.is_alive()

    delivery.close()
    assert delivery._put_off._closed.is_set()

    delivery.drain()
    assert not thread.is_alive()


def test_a_drain_ends_the_claims_before_it_waits_for_what_they_claimed(delivery, monkeypatch):
    ended = []

    with monkeypatch.context() as noted:
        noted.setattr(delivery._put_off, "stop", lambda: ended.append("jobs that wait for slots"))
        noted.setattr(delivery.senders, "drain", lambda grace_s: ended.append("senders"))
        delivery.drain()

    assert ended == ["jobs that wait for slots", "senders"]


def test_jobs_with_limits_are_claimed_by_one_thread_at_a_time(delivery, account, monkeypatch):
    ids = order(account, flow(concurrency=9), count=4)
    active, most, claim = [], [], delivering.claims.claim

    def counted(*arguments):
        active.append(arguments)
        most.append(len(active))
        claimed = claim(*arguments)
        active.pop()
        return claimed

    monkeypatch.setattr(delivering.claims, "claim", counted)
    claimed = map_at_once(lambda job_id: delivery._claim_all([JobRef(job_id, account.id, "")]), ids)

    assert (sorted(job.id for jobs in claimed for job in jobs), max(most)) == (ids, 1)


def test_the_slot_of_a_job_that_was_changed_since_it_was_named_comes_back(account, delivery, receiver):
    """The slot of the host that its message names was never given back, and ended what gave back the others."""
    job = make_job(account, url=receiver.url, host="127.0.0.1")

    delivery.deliver([(job.id, job.account_id, "before.example")], job.scheduled_at)

    wait_until(lambda: Attempt.select().count())
    wait_until(lambda: delivery.slots.in_use == 0)
    assert all(pool.free == pool.size for pool in delivery.slots._hosts.values())


def test_a_job_that_is_long_although_its_message_does_not_say_so_holds_a_slot_of_its_kind(account):
    [long, short] = [claim_job(account, timeout_ms=timeout_ms) for timeout_ms in (900_001, 900_000)]
    named = JobRef(long.id, account.id, long.host), JobRef(short.id, account.id, short.host)
    assert [job.ref != ref for job, ref in zip((long, short), named, strict=True)] == [True, False]
