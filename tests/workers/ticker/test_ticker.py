"""The rhythm of the periodic duties, and who may do them."""

import contextlib
import threading
import time
from itertools import pairwise

import psycopg
import pytest
from dramatiq.errors import ConnectionClosed
from peewee import OperationalError

from models.accounts import session_store
from models.database.connection import database
from models.database.sql import execute, fetch
from models.jobs import lifecycle
from models.operations import leader as leading
from models.operations.heartbeat_tables import Ticker as TickerRow
from models.operations.leader import candidate
from models.operations.ticker_row import SILENT_S
from models.rules import clock
from runtime.metrics import REGISTRY
from tests.support.leads import Lead
from tests.support.rows import make_job, reread, stage_all
from tests.support.waiting import wait_until
from workers.ticker import planner
from workers.ticker.duties import broker_duties, duties, record_sign_of_life
from workers.ticker.duty import Duty
from workers.ticker.listener_results import ListenerResults
from workers.ticker.pruner import Pruner
from workers.ticker.stager import Stager
from workers.ticker.throttle import Throttle
from workers.ticker.ticker import PAUSE_AFTER_FAILURE_S, STAGE_EVERY_S, Loop, Ticker
from workers.transport.answer_reader import MAX_BODY_KEPT_BYTES


@pytest.fixture
def postgres_only(db):
    if db != "postgresql":
        pytest.skip("SQLite's lock is the operating system's, which frees it when its holder dies")


def ticker_with(messages, lead, on_lead=lambda: None, pruner=None):
    stager = Stager(messages, clock.SECOND, 100)
    every_duty = duties(stager, pruner or Pruner({}), ListenerResults(MAX_BODY_KEPT_BYTES, clock.DAY))
    return Ticker(stager, every_duty, broker_duties(stager, messages), lead, on_lead)


def test_the_leading_ticker_stages_and_shows_that_it_lives(account, messages):
    make_job(account)
    ticker_with(messages, Lead()).tick(clock.now(), 0.0)
    assert len(messages.named) == 1
    assert TickerRow.get().seen_at >= clock.now() - clock.SECOND


def test_ended_sessions_are_forgotten_each_second_so_that_many_are_worked_off(db, messages, monkeypatch):
    monkeypatch.setattr(Throttle, "FIRST_ROWS", 2)
    monkeypatch.setattr(Throttle, "MAX_ROWS", 2)
    for number in range(6):
        session_store.end(f"token {number}", clock.now() - 1)
    ticker = ticker_with(messages, Lead(), pruner=Pruner({}, steady=lambda: 0))

    for second in range(3):
        ticker.tick(clock.now(), float(second))

    assert fetch("SELECT count(*) FROM ended_session") == [(0,)]


def test_a_row_of_the_ticker_that_another_session_holds_stops_no_duty(account, messages, db):
    """A worker was frozen while it recorded a probe: nothing was staged for 20 s."""
    if db == "sqlite":
        pytest.skip("SQLite's writers take turns")
    make_job(account)
    with psycopg.connect(str(database.obj.database)) as session:
        session.execute("UPDATE ticker SET delivered_until = delivered_until")
        ticker_with(messages, Lead()).tick(clock.now(), 0.0)
        session.rollback()
    assert len(messages.named) == 1


def test_a_standby_does_nothing(account, messages):
    make_job(account)
    assert ticker_with(messages, Lead(held=False)).tick(clock.now(), 0.0) == 1.0
    assert messages.named == []
    assert TickerRow.get().seen_at == 0


def test_it_looks_again_at_once_after_work_and_rests_when_idle(account, messages):
    make_job(account)
    ticker = ticker_with(messages, Lead())
    assert ticker.tick(clock.now(), 0.0) == 0.0
    assert ticker.tick(clock.now(), 0.0) == STAGE_EVERY_S


def test_winning_the_lead_is_told_each_time(account, messages):
    won, lead = [], Lead()
    ticker = ticker_with(messages, lead, lambda: won.append(1))
    for at_s, held in [(0.0, True), (2.0, False), (4.0, True), (6.0, True)]:
        lead.held = held
        ticker.tick(clock.now(), at_s)
    assert len(won) == 2


def test_o5_a_broker_that_blocks_holds_up_nothing_else(account, messages):
    """RabbitMQ blocked publishers for 70 s: meanwhile nothing was rescued, planned or pruned, a second ticker led, and
    the backlog was said to be empty."""
    make_job(account)
    publishing, may_go_on, stop = threading.Event(), threading.Event(), threading.Event()
    messages.send_deliver = lambda *_: (publishing.set(), may_go_on.wait(60))
    ticking = threading.Thread(target=ticker_with(messages, Lead()).tick_until, args=(stop,))
    ticking.start()
    assert publishing.wait(60)

    for _ in range(2):
        execute("UPDATE ticker SET seen_at = 0")
        wait_until(lambda: TickerRow.get().seen_at, what="a sign of life")

    may_go_on.set()
    stop.set()
    ticking.join(60)
    assert not ticking.is_alive()


def test_the_loop_that_publishes_stops_with_the_lead(account, messages):
    lead = Lead()
    ticker = ticker_with(messages, lead)
    ticker.tick(clock.now(), 0.0)
    lead.held = False
    make_job(account)

    assert ticker.tick(clock.now(), 2.0) == 1.0

    assert messages.named == []


def test_a_new_leader_stages_the_former_leader_s_marks_again(account, messages):
    """A new leader stages again what the one before marked and may not have published."""
    job = make_job(account)
    stage_all()
    ticker_with(messages, Lead()).tick(clock.now(), 0.0)
    assert messages.named == [job.id]


def test_what_fails_when_the_lead_is_won_is_tried_again(account, messages):
    """Marks of the leader before, and in embedded mode what was under way, would wait until they are missed."""
    job, errors, won = make_job(account), iter([OperationalError("gone")]), []
    stage_all()

    def on_lead():
        for error in errors:
            raise error
        won.append(1)

    loop = Loop(Stager(messages, clock.SECOND, 100), [], Lead(), on_lead)

    assert [loop._tick_safely(), loop._tick_safely()] == [PAUSE_AFTER_FAILURE_S, 0.0]
    assert (won, messages.named) == ([1], [job.id])


def test_a_duty_that_fails_does_not_end_the_ticker(account, messages, monkeypatch):
    loop = Loop(None, [], Lead())
    errors = iter([OperationalError("gone"), ValueError("a bug")])
    monkeypatch.setattr(loop, "tick", lambda *_: (_ for _ in ()).throw(next(errors)))
    assert [loop._tick_safely(), loop._tick_safely()] == [PAUSE_AFTER_FAILURE_S] * 2


@pytest.mark.parametrize("error", [OperationalError("a lock was not to be had"), ValueError("a bug")])
def test_a_duty_that_always_fails_does_not_keep_jobs_from_being_staged(account, messages, monkeypatch, error):
    """One schedule that could not be planned, or one row that somebody had locked, stopped all jobs of everybody."""

    def fail(_now):
        raise error

    monkeypatch.setattr(planner, "plan_due", fail)
    ticker, job = ticker_with(messages, Lead()), make_job(account)

    for second in (0.0, 1.0):
        with contextlib.suppress(OperationalError):
            ticker.tick(clock.now(), second)

    assert messages.named == [job.id]


@pytest.mark.parametrize(("well", "pauses_s"), [(True, [2, 4, 8, 16, 32, 64, 64, 64]), (False, [2] * 7)])
def test_a_duty_that_fails_waits_longer_each_time_only_while_others_succeed(well, pauses_s):
    tried = []
    duty = Duty(0.05, lambda now: tried.append(now) or 1 / 0, "fail")
    for second in range(sum(pauses_s)):
        duty.run_if_due(second, float(second), second if well else 0)
    assert [later - sooner for sooner, later in pairwise([*tried, sum(pauses_s)])] == pauses_s


@pytest.mark.parametrize("error", [ConnectionClosed("gone"), OperationalError("gone")])
def test_a_duty_that_finds_no_broker_or_no_database_says_so_to_the_ticker(error):
    def fail(_now):
        raise error

    with pytest.raises(type(error)):
        Duty(1.0, fail, "fail").run_if_due(0, 0.0, 0)


def test_a_duty_that_finds_no_broker_is_tried_again_at_its_first_pace():
    """After an outage of the broker its probe waited for a minute more, and so did /readyz."""
    tried = []

    def publish(now):
        tried.append(now)
        raise ConnectionClosed("gone")

    duty = Duty(5.0, publish, "publish")
    for second in range(13):
        with contextlib.suppress(ConnectionClosed):
            duty.run_if_due(second, float(second), rounds=second)

    assert tried == [0, 3, 6, 9, 12]  # each 2 s after it has failed


def test_rounds_that_end_well_make_the_pauses_of_a_failing_duty_grow(db, messages):
    tried = []
    failing = Duty(0.0, lambda now: tried.append(now) or 1 / 0, "fail")
    loop = Loop(Stager(messages, clock.SECOND, 100), [failing], Lead())
    for second in range(20):
        loop.tick(second, float(second))
    assert tried == [0, 2, 6, 14]


def test_a_duty_that_succeeds_again_has_its_old_rhythm(monkeypatch):
    failures = iter([ValueError("a bug")])
    tried = []

    def do(now):
        tried.append(now)
        for failure in failures:
            raise failure

    duty = Duty(1.0, do, "fail once")

    for second in range(5):
        duty.run_if_due(second, float(second), second)

    assert tried == [0, 2, 3, 4]


def test_a_duty_that_succeeded_waits_after_its_next_failure_as_after_its_first():
    tried = []

    def do(now):
        tried.append(now)
        if now != 6:
            raise ValueError("a bug")

    duty = Duty(1.0, do, "fail but once")

    for second in range(14):
        duty.run_if_due(second, float(second), second)

    assert tried == [0, 2, 6, 7, 9, 13]


def test_only_one_of_two_candidates_leads_and_the_other_takes_over(db):
    first, second = candidate(), candidate()
    assert first.hold()
    assert not second.hold()
    first.give_up()
    wait_until(second.hold)
    assert not first.hold()
    second.give_up()


def test_a_stopped_ticker_keeps_the_lead_for_its_owner_to_give_up(db, messages):
    lead, stop = Lead(), threading.Event()
    stop.set()
    ticker_with(messages, lead).tick_until(stop)
    assert lead.held


def test_a_leader_that_is_frozen_is_relieved_of_the_lead(postgres_only, monkeypatch):
    frozen, standby = candidate(), candidate()
    assert frozen.hold()
    moments = iter([0.0, SILENT_S, SILENT_S + 0.1, *[99.0] * 1000])
    monkeypatch.setattr(leading, "steady_s", lambda: next(moments))
    assert [standby.hold(), standby.hold()] == [False, False]
    assert not standby.hold()  # it takes the lock away now

    wait_until(standby.hold)
    assert not frozen.hold()

    standby.give_up()


@pytest.mark.parametrize("instants", [range(5), range(5, 0, -1)])
def test_a_leader_that_shows_life_keeps_the_lead_though_its_clock_is_set_back(postgres_only, monkeypatch, instants):
    leader, standby = candidate(), candidate()
    assert leader.hold()

    moments = iter(range(0, 1000, 9))
    monkeypatch.setattr(leading, "steady_s", lambda: next(moments))
    for instant in instants:
        record_sign_of_life(instant)
        assert not standby.hold()
    assert leader.hold()

    leader.give_up()
    standby.give_up()


def test_a_clock_set_forward_takes_no_running_job_for_lost(account, messages, moved_clock):
    ticker = ticker_with(messages, Lead())
    job = make_job(account, timeout_ms=30_000)
    lifecycle.claim([job.id], clock.now(), 10 * clock.SECOND)
    moved_clock.advance(hours=1)
    ticker.tick(clock.now(), 0.0)
    assert reread(job).state == "executing"


def test_after_a_jump_leases_count_by_the_old_time_until_every_one_given_before_has_ended(
    account, messages, moved_clock, monkeypatch
):
    """The longest time-out is a quarter of an hour."""
    began_at, passed_us = moved_clock.now, 0
    monkeypatch.setattr(time, "monotonic_ns", lambda: 1000 * passed_us)
    ticker, job = ticker_with(messages, Lead()), make_job(account, timeout_ms=900_000)
    lifecycle.claim([job.id], clock.now(), 10 * clock.SECOND)
    for second in (0.0, 909.0, 911.0):
        passed_us = int(second * clock.SECOND)
        moved_clock.now = began_at + clock.HOUR + passed_us
        ticker.tick(clock.now(), second)
        assert reread(job).state == ("executing" if second < 910 else "available")


def test_a_ticker_tells_whether_it_leads(account, messages):
    lead = Lead()
    ticker = ticker_with(messages, lead)
    for at_s, held in [(0.0, True), (2.0, False), (4.0, True)]:
        lead.held = held
        ticker.tick(clock.now(), at_s)
        assert REGISTRY.get_sample_value("booper_ticker_leading") == held


def test_a_lease_that_ended_without_a_jump_is_taken_for_lost(account, messages, moved_clock):
    job = make_job(account, timeout_ms=0)
    lifecycle.claim([job.id], clock.now(), -clock.SECOND)
    ticker_with(messages, Lead()).tick(clock.now(), 0.0)
    assert reread(job).state == "available"
