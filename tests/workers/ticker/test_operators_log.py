"""What an operator reads in the log of a ticker: for each line its level and each value in it."""

from types import SimpleNamespace

import pytest
from dramatiq.errors import ConnectionClosed
from peewee import OperationalError

from models.jobs import lifecycle
from models.operations import bulk, operation_store
from models.operations.ticker_row import record_delivered
from models.rules import clock
from models.schedules import misfire
from tests.support.acks import acknowledge, waiting
from tests.support.leads import Lead
from tests.support.messages import RememberedMessages
from tests.support.operators_log import raising, unseen, written
from tests.support.rows import make_job, stage_all
from workers.ticker import planner
from workers.ticker.acknowledger import end_acknowledged
from workers.ticker.bulk_turns import BulkTurns
from workers.ticker.duty import Duty
from workers.ticker.front import Front
from workers.ticker.lease_clock import LeaseClock
from workers.ticker.pruner import Pruner
from workers.ticker.rescuer import rescue_lost
from workers.ticker.stager import Stager
from workers.ticker.ticker import Loop


def a_duty_fails_twice(account, moved_clock, monkeypatch):
    duty = Duty(7.0, raising(ValueError("a bug")), "look around")
    for rounds in range(2):
        duty.run_if_due(clock.now(), 10.0 * rounds, rounds)


def jobs_are_deleted_in_two_steps(account, moved_clock, monkeypatch):
    steps = iter([(3, 900), (2, None)])
    monkeypatch.setattr(lifecycle, "prune", lambda *_: next(steps))
    pruner = Pruner({"completed": 1}, steady=lambda: 0)
    for _ in range(3):
        pruner.prune_jobs(clock.now())


def a_message_is_lost(account, moved_clock, monkeypatch):
    stager = Stager(RememberedMessages(), clock.SECOND, 100)
    for _ in range(2):
        make_job(account)
    stager.stage_due(clock.now())
    moved_clock.advance(seconds=11)
    record_delivered(clock.now())
    for _ in range(2):
        stager.find_lost(clock.now())


def an_operation_fails(account, moved_clock, monkeypatch):
    operation = SimpleNamespace(id=41, account_id=3)
    monkeypatch.setattr(operation_store, "next_running", lambda *_: operation)
    monkeypatch.setattr(bulk, "take_turn", raising(ValueError("a bug")))
    BulkTurns(steady=lambda: 0).work_off(clock.now())


def jobs_are_acknowledged(account, moved_clock, monkeypatch):
    for _ in range(2):
        acknowledge(waiting(account))
    end_acknowledged(clock.now())


def rounds_fail(account, moved_clock, monkeypatch):
    """The database is gone, then the broker, which says why, then there is a mistake."""
    of_broker = ConnectionClosed("cut"), ConnectionClosed("ACCESS_REFUSED")
    errors = [OperationalError("gone"), *of_broker, ValueError("a bug")]
    loop, failures = Loop(None, [], Lead()), iter(errors)
    monkeypatch.setattr(loop, "tick", lambda *_: raising(next(failures))())
    for _ in errors:
        loop._tick_safely()


def a_ticker_takes_the_lead(account, moved_clock, monkeypatch):
    for _ in range(2):
        make_job(account)
    stage_all()
    loop = Loop(Stager(RememberedMessages(), clock.SECOND, 100), [], Lead())
    for second in (0.0, 2.0):
        loop.tick(clock.now(), second)


def the_clock_is_set_forward(account, moved_clock, monkeypatch):
    leases = LeaseClock()
    moved_clock.advance(hours=1, seconds=0.5)  # so that a moment that passes meanwhile makes no other number
    for _ in range(2):
        leases.read()


def workers_fall_silent(account, moved_clock, monkeypatch):
    ids = [make_job(account, max_attempts=attempts).id for attempts in (5, 5, 1)]
    lifecycle.claim(ids, clock.now(), 0)
    moved_clock.advance(hours=1)
    for _ in range(2):
        rescue_lost(clock.now())


def jobs_of_schedules_come_too_late(account, moved_clock, monkeypatch):
    monkeypatch.setattr(planner, "_expired", Front())
    monkeypatch.setattr(misfire, "first_expired", lambda *_: 1)
    counts = iter([3, 0])
    monkeypatch.setattr(misfire, "expire", lambda *_: next(counts))
    for _ in range(2):
        planner.expire(clock.now())


REFUSED = "ACCESS_REFUSED; the user needs the rights configure, write and read on the queues of BOOPER_QUEUE_PREFIX"
SITUATIONS = {
    a_duty_fails_twice: [
        "EXCEPTION a duty failed (look around); next try in 2.0 s",
        "EXCEPTION a duty failed (look around); next try in 4.0 s",
    ],
    jobs_are_deleted_in_two_steps: ["INFO 5 jobs were older than they are kept, and are deleted"],
    a_message_is_lost: ["WARNING 2 jobs were named by a message that got lost; they are staged again"],
    an_operation_fails: ["EXCEPTION operation 41 failed; the next try is in a minute, others go on"],
    jobs_are_acknowledged: ["INFO job.attempted"] * 2 + ["INFO job.acknowledged"] * 2,
    rounds_fail: [
        "WARNING database gone (gone): nothing is staged; next try in 1.0 s",
        "WARNING broker gone (cut): due jobs wait in the table; next try in 1.0 s",
        f"WARNING broker gone ({REFUSED}): due jobs wait in the table; next try in 1.0 s",
        "EXCEPTION a round failed; next try in 1.0 s",
    ],
    a_ticker_takes_the_lead: ["INFO this ticker leads; 2 jobs that the one before had marked are staged again"],
    the_clock_is_set_forward: ["WARNING the clock was set forward by 3600 s: no job is taken for lost"],
    workers_fall_silent: ["WARNING workers fell silent: 2 jobs rescued, 1 discarded"],
    jobs_of_schedules_come_too_late: ["WARNING jobs of schedules that could not begin in time are cancelled: 3"],
}


@pytest.mark.parametrize("situation", SITUATIONS)
def test_the_operator_reads_once_what_happened_with_its_numbers(situation, account, moved_clock, monkeypatch):
    with written() as lines:
        situation(account, moved_clock, monkeypatch)

    assert lines == SITUATIONS[situation]


def test_each_line_of_the_ticker_is_read_in_some_situation():
    assert unseen("workers/ticker/*.py", sum(SITUATIONS.values(), [])) == []
