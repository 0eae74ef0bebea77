"""The duty that works off operations: small chunks, fair turns, and an operation that fails holds up no other."""

import logging

from models.accounts import account_store
from models.operations import bulk
from models.rules import clock
from tests.support.locks import held_by_another
from tests.support.operations import counts_of, order_operation, reread_operation
from tests.support.rows import make_job, reread
from workers.ticker.bulk_turns import BulkTurns


def turns_without_rests():
    return BulkTurns(steady=lambda: 0)


def work(turns, times=20):
    return [turns.work_off(clock.now()) for _ in range(times)]


def test_operations_are_worked_off_although_nobody_looks(account, moved_clock):
    for _ in range(3):
        make_job(account, "scheduled", 60)
    operation = order_operation(account)

    assert sum(work(turns_without_rests())) == 3

    assert counts_of(reread_operation(operation)) == ("done", 3, 0)


def test_after_a_chunk_comes_another_account_s(account, moved_clock, monkeypatch):
    monkeypatch.setattr("workers.ticker.bulk_turns.MAX_ROWS", 2)
    bob = account_store.account_named("bob", clock.now())
    for _ in range(6):
        make_job(account, "scheduled", 60)
    make_job(bob, "scheduled", 60)
    long, short = order_operation(account), order_operation(bob)

    work(turns_without_rests(), 2)

    assert [reread_operation(each).done for each in (long, short)] == [2, 1]


def test_while_nothing_is_to_be_done_it_looks_now_and_then(account, moved_clock):
    turns = turns_without_rests()
    work(turns, 1)
    make_job(account, "scheduled", 60)
    order_operation(account)
    moved_clock.advance(seconds=0.24)
    assert work(turns, 1) == [0]
    moved_clock.advance(seconds=0.01)
    assert work(turns, 1) == [1]


def test_an_operation_that_fails_is_tried_again_and_holds_up_no_other(account, moved_clock, monkeypatch, caplog):
    for name in ("a", "b"):
        make_job(account, "scheduled", 60, name=name)
    broken, whole = order_operation(account, name="a"), order_operation(account, name="b")
    take_turn, turns = bulk.take_turn, turns_without_rests()
    with monkeypatch.context() as failing, caplog.at_level(logging.ERROR):
        failing.setattr(bulk, "take_turn", lambda key, *rest: 1 / 0 if key == broken.id else take_turn(key, *rest))
        work(turns)
        assert [reread_operation(each).state for each in (broken, whole)] == ["running", "done"]
        assert len(caplog.records) == 1
    moved_clock.advance(seconds=59)
    assert sum(work(turns)) == 0

    moved_clock.advance(seconds=1.1)

    assert sum(work(turns)) == 1
    assert reread_operation(broken).state == "done"


def test_an_operation_whose_jobs_others_hold_is_tried_each_second(db, account, moved_clock, monkeypatch):
    job, taken = make_job(account, "scheduled", 60), []
    operation, turns = order_operation(account), turns_without_rests()
    take_turn = bulk.take_turn
    monkeypatch.setattr(bulk, "take_turn", lambda *arguments: taken.append(1) or take_turn(*arguments))
    with held_by_another(db, job):
        work(turns)
        assert len(taken) == 1

    moved_clock.advance(seconds=1.1)
    work(turns)

    assert reread(job).state == "cancelled"
    assert counts_of(reread_operation(operation)) == ("done", 1, 0)


def test_a_chunk_on_a_slow_machine_has_a_hundred_jobs_and_not_fewer(account, moved_clock, monkeypatch):
    """Its statements take as long however few its rows are: with 25 an operation of 100,000 jobs took a quarter of an
    hour."""
    order_operation(account)
    sizes, now = [], 0

    def take_slowly(_key, rows, _now):
        nonlocal now
        sizes.append(rows)
        now += clock.SECOND
        return bulk.Turn(rows, False)

    monkeypatch.setattr(bulk, "take_turn", take_slowly)
    turns = BulkTurns(steady=lambda: now)
    for _ in range(4):
        turns.work_off(clock.now())
        now += 10 * clock.SECOND

    assert sizes == [200, 100, 100, 100]


def test_operations_rest_for_eight_times_the_last_chunk(account, moved_clock, monkeypatch):
    """An operation may work for a ninth of the time, so that what falls due meanwhile is not late."""
    steady = [0]
    monkeypatch.setattr(bulk, "take_turn", lambda *_: steady.__setitem__(0, steady[0] + 10) or bulk.Turn(1, False))
    order_operation(account)
    turns = BulkTurns(steady=lambda: steady[0])

    worked = []
    for passed in (0, 79, 1):
        steady[0] += passed
        worked.append(turns.work_off(clock.now()))

    assert worked == [1, 0, 1]
