"""What is done to all jobs of a filter, chunk after chunk: which jobs, how far it is, and never twice."""

import pytest

from models.accounts import account_store
from models.database import paging
from models.database.sql import fetch
from models.jobs import states
from models.jobs.job_tables import Attempt, Job, JobLabel, LogEntry
from models.jobs.searches import merged_states
from models.jobs.searches.job_filter import JobFilter
from models.jobs.searches.merged_states import Count
from models.operations import bulk, dry_runs, operation_store
from models.operations.bulk import CANCEL, DELETE, RETRY, Turn
from models.rules import clock
from tests.support.locks import held_by_another
from tests.support.operations import counts_of, order_operation, reread_operation, turn_of, work_off
from tests.support.races import map_at_once
from tests.support.rows import claim_of, make_job, reread


def states_of(jobs):
    return [reread(job).state for job in jobs]


def test_all_that_match_and_have_not_ended_are_cancelled(account, moved_clock):
    live = [make_job(account, state, 60) for state in states.LIVE * 2]
    ended = [make_job(account, state) for state in ("completed", "discarded")]

    operation, turns = work_off(order_operation(account))

    assert counts_of(operation) == ("done", 8, 0)
    assert turns == 4
    assert set(states_of(live)) == {"cancelled"}
    assert states_of(ended) == ["completed", "discarded"]


def test_jobs_of_others_and_those_that_do_not_match_are_left(account, moved_clock):
    bob = account_store.account_named("bob", clock.now())
    mine, of_bob = make_job(account, host="a.example"), make_job(bob, host="a.example")
    others = [make_job(account, host="b.example"), make_job(account, host="a.example", kind="event")]

    operation, _ = work_off(order_operation(account, host="a.example"))

    assert counts_of(operation) == ("done", 1, 0)
    assert states_of([mine, of_bob, *others]) == ["cancelled", "available", "available", "available"]


def test_jobs_made_after_the_order_are_left_whatever_their_clocks_say(account, moved_clock):
    old = [make_job(account, "scheduled", 60) for _ in range(3)]
    operation = order_operation(account)
    new = [make_job(account, "scheduled", 60), make_job(account, "scheduled", 60, inserted_at=1)]

    work_off(operation)

    assert set(states_of(old)) == {"cancelled"}
    assert states_of(new) == ["scheduled", "scheduled"]


@pytest.mark.parametrize("before", states.LIVE)
@pytest.mark.parametrize("after", states.LIVE)
def test_a_job_that_changes_its_state_meanwhile_is_met_all_the_same(account, moved_clock, before, after):
    others = [make_job(account, state, 60) for state in states.LIVE]
    moving = make_job(account, before, 60)
    operation = turn_of(order_operation(account))
    Job.update(state=after).where(Job.id == moving.id).execute()

    operation, _ = work_off(operation)

    assert counts_of(operation) == ("done", 5, 0)
    assert set(states_of([*others, moving])) == {"cancelled"}


def test_a_job_that_ended_before_its_turn_counts_as_failed(account, moved_clock, monkeypatch):
    first, second = (make_job(account, "scheduled", 60) for _ in range(2))
    operation, act = order_operation(account), bulk._act

    def late(*arguments):
        Job.update(state="completed", completed_at=clock.now()).where(Job.id == first.id).execute()
        return act(*arguments)

    monkeypatch.setattr(bulk, "_act", late)

    operation, _ = work_off(operation)

    assert counts_of(operation) == ("done", 1, 1)
    assert states_of([first, second]) == ["completed", "cancelled"]


def test_a_chunk_that_fails_changes_nothing_and_is_done_again(account, moved_clock, monkeypatch):
    jobs = [make_job(account, "scheduled", 60) for _ in range(3)]
    operation = order_operation(account)
    with monkeypatch.context() as failing:
        failing.setattr(operation_store, "store", lambda _: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            bulk.take_turn(operation.id, 2, clock.now())
    assert states_of(jobs) == ["scheduled"] * 3

    operation, _ = work_off(operation)

    assert counts_of(operation) == ("done", 3, 0)
    assert fetch("SELECT count(*) FROM log_entry") == [(3,)]


def test_a_job_that_another_session_holds_is_passed_over_and_done_later(db, account):
    held, free, last = (make_job(account, "scheduled", 60) for _ in range(3))
    operation = order_operation(account)

    with held_by_another(db, held):
        first = bulk.take_turn(operation.id, 2, clock.now())
        second = bulk.take_turn(operation.id, 2, clock.now())
        third = bulk.take_turn(operation.id, 2, clock.now())
        assert [first, second, third] == [Turn(1, False), Turn(1, False), Turn(0, True)]
        assert states_of([held, free, last]) == ["scheduled", "cancelled", "cancelled"]
        assert counts_of(reread_operation(operation)) == ("running", 2, 0)

    operation, _ = work_off(operation)
    assert counts_of(operation) == ("done", 3, 0)
    assert reread(held).state == "cancelled"


def test_jobs_that_others_hold_count_among_those_that_an_operation_may_act_on(db, account):
    held, _, last = (make_job(account, "scheduled", 60) for _ in range(3))
    operation = order_operation(account, at_most=2)

    with held_by_another(db, held):
        for _ in range(4):
            operation = turn_of(operation, rows=1)
    operation, _ = work_off(operation)

    assert counts_of(operation) == ("done", 2, 0)
    assert states_of([held, last]) == ["cancelled", "scheduled"]


def test_the_last_operation_that_may_run_is_there_when_it_is_ordered_again(account, monkeypatch):
    monkeypatch.setattr(operation_store, "MAX_RUNNING", 1)
    operation = order_operation(account)

    again = bulk.create(account.id, CANCEL, "{}", JobFilter("request"), None, clock.now(), operation.uuid)

    assert again.id == operation.id


def test_of_two_tickers_one_has_an_operation(db, account):
    for _ in range(40):
        make_job(account, "scheduled", 60)
    operation = order_operation(account)

    turns = map_at_once(lambda _: [bulk.take_turn(operation.id, 5, clock.now()).jobs for _ in range(8)], range(3))

    operation, _ = work_off(operation, 5)
    assert counts_of(operation) == ("done", 40, 0)
    assert sum(map(sum, turns)) <= 40
    assert fetch("SELECT count(*) FROM log_entry") == [(40,)]


@pytest.mark.parametrize(("at_most", "done"), [(1, 1), (3, 3), (4, 4), (9, 5)])
def test_a_limit_ends_it_after_so_many_of_the_oldest(account, moved_clock, at_most, done):
    jobs = []
    for _ in range(5):
        jobs.append(make_job(account, "scheduled", 60))
        moved_clock.advance(seconds=1)

    operation, _ = work_off(order_operation(account, at_most=at_most))

    assert counts_of(operation) == ("done", done, 0)
    assert states_of(jobs) == ["cancelled"] * done + ["scheduled"] * (5 - done)


def test_each_job_is_retried_once_and_the_new_ones_are_not(account, moved_clock):
    for _ in range(5):
        make_job(account, "discarded", host="a.example")

    operation, _ = work_off(order_operation(account, RETRY, host="a.example"))

    assert counts_of(operation) == ("done", 5, 0)
    assert sorted(job.state for job in Job.select()) == ["available"] * 5 + ["discarded"] * 5


def test_a_job_that_is_gone_before_its_retry_counts_as_failed(account, moved_clock, monkeypatch):
    jobs = [make_job(account, "discarded") for _ in range(2)]
    operation, act = order_operation(account, RETRY), bulk._act

    def late(*arguments):
        Job.delete().where(Job.id == jobs[0].id).execute()
        return act(*arguments)

    monkeypatch.setattr(bulk, "_act", late)

    assert counts_of(work_off(operation)[0]) == ("done", 1, 1)


def test_final_jobs_are_deleted_with_all_their_rows_and_no_others(account, moved_clock):
    final = [make_job(account, state) for state in states.FINAL]
    live = [make_job(account, state, 60) for state in states.LIVE]
    for job in (*final, *live):
        Attempt.create(job_id=job.id, number=1, started_at=1, finished_at=2, lateness_us=0, outcome="answered")
        JobLabel.create(account_id=account.id, label="a", inserted_at=job.inserted_at, job_id=job.id)
        LogEntry.create(account_id=account.id, job_id=job.id, event="x", payload="{}", inserted_at=1)

    operation, _ = work_off(order_operation(account, DELETE))

    kept = [job.id for job in live]
    assert counts_of(operation) == ("done", 3, 0)
    assert [job.id for job in Job.select().order_by(Job.id)] == kept
    for table in (Attempt, JobLabel, LogEntry):
        assert sorted(row.job_id for row in table.select()) == kept


def test_a_cancelled_job_is_deleted_once_its_request_has_ended(account, moved_clock):
    job = make_job(account)
    claim_of(job)
    work_off(order_operation(account))
    operation = order_operation(account, DELETE)
    assert bulk.take_turn(operation.id, 2, clock.now()) == Turn(0, True)

    Job.update(claim_id=None, lease_until=None).execute()

    assert counts_of(work_off(operation)[0]) == ("done", 1, 0)
    assert Job.select().count() == 0


@pytest.mark.parametrize(("most", "turns"), [(1, 4), (2**30, 1)])
def test_a_chunk_of_large_jobs_is_smaller(account, moved_clock, monkeypatch, most, turns):
    monkeypatch.setattr(paging, "MAX_PAGE_BYTES", most)
    for _ in range(4):
        make_job(account, "discarded", body=b"x" * 100)

    operation, taken = work_off(order_operation(account, RETRY), 10)

    assert counts_of(operation) == ("done", 4, 0)
    assert taken in (turns, turns + 1)


def test_what_is_left_is_count_anew_each_second(account, moved_clock, monkeypatch):
    monkeypatch.setattr(bulk, "COUNTED", 4)
    for _ in range(9):
        make_job(account, "scheduled", 60)
    operation = order_operation(account)
    seen = [(operation.jobs_left, operation.more_left)]
    while operation.state == "running":
        operation = turn_of(operation)
        seen.append((operation.jobs_left, operation.more_left))
        moved_clock.advance(seconds=0.6)

    assert seen == [(4, 1), (2, 1), (0, 1), (3, 0), (1, 0), (0, 0)]


@pytest.mark.parametrize("at_most", [2, 4])
def test_with_a_limit_no_more_than_that_are_left(account, moved_clock, at_most):
    for _ in range(5):
        make_job(account, "scheduled", 60)
    operation = order_operation(account, at_most=at_most)
    assert (operation.jobs_left, operation.more_left) == (at_most, 0)
    moved_clock.advance(seconds=2)
    assert turn_of(operation, 1).jobs_left == at_most - 1


def test_with_a_limit_those_that_could_not_be_acted_on_are_not_left_either(account, moved_clock, monkeypatch):
    for _ in range(6):
        make_job(account, "scheduled", 60)
    operation = order_operation(account, at_most=4)
    monkeypatch.setattr(bulk, "_act", lambda _operation, ids, _now: (len(ids) - 1, []))  # one had just ended
    moved_clock.advance(seconds=2)

    after = turn_of(operation, 2)

    assert counts_of(after) == ("running", 1, 1)
    assert (after.jobs_left, after.more_left) == (2, 0)


def test_a_cancelled_operation_does_no_more(account, moved_clock):
    jobs = [make_job(account, "scheduled", 60) for _ in range(3)]
    operation = turn_of(order_operation(account))

    operation_store.cancel(account.id, operation.uuid, clock.now())

    assert bulk.take_turn(operation.id, 2, clock.now()) == Turn(0, False)
    assert counts_of(reread_operation(operation)) == ("cancelled", 2, 0)
    assert states_of(jobs) == ["cancelled", "cancelled", "scheduled"]


def test_an_operation_that_has_ended_stays_as_it_is(account, moved_clock):
    operation, _ = work_off(order_operation(account))
    moved_clock.advance(seconds=1)
    assert operation_store.cancel(account.id, operation.uuid, clock.now()) == operation


@pytest.mark.parametrize(("days", "left"), [(29.9, 2), (30.1, 1)])
def test_operations_are_kept_for_a_month_after_their_end(account, moved_clock, days, left):
    work_off(order_operation(account))
    order_operation(account)
    moved_clock.advance(days=days)
    operation_store.prune(clock.now())
    assert fetch("SELECT count(*) FROM operation") == [(left,)]


def test_the_operations_of_accounts_take_turns(account, moved_clock):
    accounts = [account, *(account_store.account_named(name, clock.now()) for name in ("bob", "carol"))]
    first, second, third = (order_operation(each) for each in accounts)
    order_operation(account)
    turns, last = [], 0
    for _ in range(4):
        operation = operation_store.next_running(last, ())
        turns.append(operation.id)
        last = operation.account_id

    assert turns == [first.id, second.id, third.id, first.id]
    assert operation_store.next_running(0, [first.id]).account_id == account.id
    assert operation_store.next_running(accounts[0].id, [second.id]).id == third.id


def test_a_filter_is_stored_with_all_its_members():
    values = {name: f"{name}" for name in JobFilter._fields}
    numbers = ("after", "before", "scheduled_after", "scheduled_before", "failed_after", "failed_before")
    numbers += ("due_by", "until_id")
    values |= {name: 10 + number for number, name in enumerate(numbers)} | {"ids": (1, 2)}
    job_filter = JobFilter(**values)
    assert operation_store.read_filter(operation_store.written(job_filter)) == job_filter


@pytest.mark.parametrize("search", [{}, {"host": "a.example"}])
def test_a_dry_run_counts_and_says_when_it_stopped(account, moved_clock, monkeypatch, search):
    monkeypatch.setattr(dry_runs, "COUNTED", 3)
    monkeypatch.setattr(dry_runs, "LOOKED_AT", 2)
    counted = []
    for _ in range(4):
        make_job(account, "scheduled", 60, host="a.example")
        counted.append(dry_runs.count(account.id, CANCEL, JobFilter("request", **search)))

    assert counted == [Count(1, False), Count(2, False), Count(3, False), Count(3, True)]
    assert dry_runs.count(account.id, CANCEL, JobFilter("request", **search), at_most=2) == Count(2, False)
    assert set(job.state for job in Job.select()) == {"scheduled"}


def test_a_dry_run_that_looked_at_enough_says_that_there_may_be_more(account, moved_clock, monkeypatch):
    monkeypatch.setattr(dry_runs, "LOOKED_AT", 2)
    monkeypatch.setattr(dry_runs, "ROWS_AT_MOST", 4)
    for host in ("a.example", *["b.example"] * 5):
        make_job(account, "scheduled", 60, host=host)
    assert dry_runs.count(account.id, CANCEL, JobFilter("request", host="a.example")) == Count(1, True)


def test_several_states_are_read_as_one_list_in_parts(account, moved_clock):
    jobs = []
    for state in states.STATES * 2:
        jobs.append(make_job(account, state))
        moved_clock.advance(seconds=1)
    wanted = [job.id for job in jobs if job.state in ("discarded", "retryable")]
    for way in ("asc", "desc"):
        ids, page = [], paging.PageRequest(("inserted_at", way), 3)
        while page:
            part = merged_states.matching(account.id, JobFilter("request"), ("discarded", "retryable"), page, 100)
            ids += [place.tie for place in part.rows]
            page = part.end and page._replace(place=part.end)
        assert ids == (wanted if way == "asc" else wanted[::-1])
