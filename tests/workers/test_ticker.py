"""The rhythm of the periodic duties, and who may do them."""

import threading

from peewee import OperationalError

from models import clock, lifecycle
from models.job import Ticker as TickerRow
from models.leader import candidate
from tests.making import make_job
from workers.pruner import Pruner
from workers.stager import Stager
from workers.ticker import PAUSE_AFTER_FAILURE_S, STAGE_EVERY_S, Ticker


class Lead:
    """A lead that the test gives and takes."""

    def __init__(self, held=True):
        self.held = held

    def hold(self):
        return self.held

    def give_up(self):
        self.held = False


def ticker_with(messages, lead, on_lead=lambda: None):
    return Ticker(Stager(messages, clock.SECOND, 100), Pruner({}), messages, lead, on_lead)


def test_the_leading_ticker_stages_and_shows_that_it_lives(account, messages):
    make_job(account)
    ticker_with(messages, Lead()).tick(clock.now(), 0.0)
    assert len(messages.named) == 1
    assert TickerRow.get().seen_at >= clock.now() - clock.SECOND


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


def test_a_new_leader_stages_again_what_the_one_before_marked_and_may_not_have_published(account, messages):
    job = make_job(account)
    lifecycle.stage([job.id], clock.now())
    ticker_with(messages, Lead()).tick(clock.now(), 0.0)
    assert messages.named == [job.id]


def test_a_duty_that_fails_does_not_end_the_ticker(account, messages, monkeypatch):
    ticker = ticker_with(messages, Lead())
    errors = iter([OperationalError("gone"), ValueError("a bug")])
    monkeypatch.setattr(ticker, "tick", lambda *_: (_ for _ in ()).throw(next(errors)))
    assert [ticker._tick_safely(), ticker._tick_safely()] == [PAUSE_AFTER_FAILURE_S] * 2


def test_only_one_of_two_candidates_leads_and_the_other_takes_over(db):
    first, second = candidate(), candidate()
    assert first.hold()
    assert not second.hold()
    first.give_up()
    assert second.hold()
    assert not first.hold()
    second.give_up()


def test_a_stopped_ticker_gives_up_the_lead(db, messages):
    lead, stop = Lead(), threading.Event()
    stop.set()
    ticker_with(messages, lead).tick_until(stop)
    assert not lead.held
