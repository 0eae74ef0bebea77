"""Searches leave out the dead front of an index, and find what comes up behind all the same."""

import contextlib

import psycopg
import pytest

from models.database.connection import database
from models.database.sql import execute, fetch
from models.database.transactions import transaction
from models.flows import gates, parking
from models.jobs import lifecycle, staging
from models.jobs.job_tables import Job
from models.rules import clock
from models.rules.limits import FLOW
from models.schedules import misfire, planning
from tests.support.rows import make_job, reread
from tests.support.schedule_rows import create_schedule
from workers.ticker import front, planner
from workers.ticker.front import BEHIND_US, LONGEST_REST_US, REST_TIMES, Front
from workers.ticker.rescuer import Rescuer
from workers.ticker.stager import Stager

NOW = 1000 * clock.SECOND
postgres = pytest.mark.parametrize("db", ["postgresql"], indirect=True)


class Steady:
    """A steady clock that goes on by `step` each time it is read."""

    def __init__(self):
        self.now = self.step = 0

    def __call__(self):
        self.now += self.step
        return self.now


@pytest.fixture
def steady(monkeypatch):
    moved = Steady()
    monkeypatch.setattr(front, "steady_us", moved)
    monkeypatch.setattr(front, "QUICK_US", 20 * clock.MILLISECOND)
    monkeypatch.setattr(planner, "_due", Front())
    monkeypatch.setattr(planner, "_expired", Front())
    return moved


@pytest.fixture
def slow(steady):
    """Each search takes a second."""
    steady.step = clock.SECOND
    return steady


@pytest.fixture
def only_once(slow, monkeypatch):
    """Each whole index is searched once; so the time that the searches of a test take does not matter."""
    monkeypatch.setattr(front, "LONGEST_REST_US", 10**6 * clock.SECOND)
    monkeypatch.setattr(front, "REST_TIMES", 10**6)


@pytest.fixture
def stager(account, moved_clock, messages):
    return Stager(messages, 10 * clock.SECOND, bound=300)


def begins(searched, now, *first):
    """Where the searches that find these instants begin."""
    seen = []
    for first_at in first:
        assert searched.search(now, lambda begin, first_at=first_at: seen.append(begin) or first_at) == first_at
    return seen


def test_quick_searches_read_the_whole_index_each_time(steady):
    assert begins(Front(), NOW, None, None, NOW + 1) == [0, 0, 0]


def test_after_a_slow_search_the_next_begin_where_the_first_row_was(slow):
    assert begins(Front(), NOW, 7, 8, None) == [0, 7, 8]


def test_after_a_search_that_found_nothing_the_next_begins_a_little_behind_the_clock(slow):
    assert begins(Front(), NOW, None, NOW + 1, NOW - 1) == [0, NOW - BEHIND_US, NOW - BEHIND_US]


def test_the_whole_index_is_searched_again_after_many_times_as_long_as_it_took(slow):
    searched = Front()
    begins(searched, NOW, 7)
    slow.step, slow.now = 0, clock.SECOND + REST_TIMES * clock.SECOND
    assert begins(searched, NOW, 7) == [7]
    slow.now += clock.SECOND
    assert begins(searched, NOW, 3) == [0]


def test_and_after_half_a_minute_at_the_latest(slow):
    searched = Front()
    slow.step = clock.HOUR
    begins(searched, NOW, 7)
    slow.step = 0
    slow.now += LONGEST_REST_US - 1
    assert begins(searched, NOW, 7) == [7]
    slow.now += 1
    assert begins(searched, NOW, 3) == [0]


def test_a_clock_that_was_set_back_leaves_nothing_out(slow):
    searched = Front()
    begins(searched, NOW, None)
    assert searched.begins_at(NOW - clock.HOUR) == 0
    assert begins(searched, NOW - clock.HOUR, None) == [0]


def test_what_is_known_to_have_come_back_is_searched_for_at_once(slow):
    searched = Front()
    begins(searched, NOW, None)
    searched.forget()
    assert begins(searched, NOW, 7) == [0]


def test_a_job_that_comes_up_behind_is_staged_when_the_whole_index_is_searched(slow, stager, account, messages):
    assert stager.stage_due(clock.now()) == 0
    job = make_job(account, due_in_s=-3600)
    assert stager.stage_due(clock.now()) == 0

    slow.now += LONGEST_REST_US
    assert stager.stage_due(clock.now()) == 1
    assert messages.named == [job.id]


def test_a_schedule_that_falls_due_is_planned_at_once_while_searches_are_slow(slow, account, moved_clock):
    assert planner.plan_due(clock.now()) == 0
    create_schedule(account)
    assert [planner.plan_due(clock.now()) for _ in range(2)] == [1, 0]
    moved_clock.advance(hours=1)
    assert planner.plan_due(clock.now()) == 1


def test_a_job_made_for_now_by_a_slow_request_is_staged_at_once(slow, stager, account, messages):
    assert stager.stage_due(clock.now()) == 0
    job = make_job(account, due_in_s=-9)
    assert stager.stage_due(clock.now()) == 1
    assert messages.named == [job.id]


def test_a_job_whose_lease_ends_is_rescued_at_once_while_searches_are_slow(slow, account, moved_clock):
    rescuer, job = Rescuer(), make_job(account, timeout_ms=1000)
    lifecycle.claim([job.id], clock.now(), clock.SECOND)
    assert rescuer.rescue_lost(clock.now(), clock.now()) == 0

    moved_clock.advance(seconds=3)
    assert rescuer.rescue_lost(clock.now(), clock.now()) == 1
    assert reread(job).state == "available"


def test_leases_that_ended_while_the_clock_was_believed_wrong_are_found_afterwards(slow, account, moved_clock):
    rescuer, job = Rescuer(), make_job(account, timeout_ms=1000)
    lifecycle.claim([job.id], clock.now(), clock.SECOND)
    before = clock.now()
    moved_clock.advance(hours=1)
    assert rescuer.rescue_lost(clock.now(), before) == 0
    assert rescuer.rescue_lost(clock.now(), clock.now()) == 1


@postgres
def test_an_old_transaction_anywhere_does_not_make_the_searches_longer(only_once, stager, account, moved_clock):
    """A drain beside it leaves dead entries, which nothing removes while it lasts."""
    rescuer = Rescuer()
    with old_transaction():
        for _ in range(3):
            finish_jobs(account, stager, 100)
            moved_clock.advance(minutes=2)
            stager.find_lost(clock.now())
            rescuer.rescue_lost(clock.now(), clock.now())
            stager.stage_due(clock.now())
        make_job(account)

        assert entries_read("job_unstaged", lambda: stager.stage_due(clock.now())) < 10
        assert entries_read("job_staged", lambda: stager.find_lost(clock.now())) < 10
        assert entries_read("job_staged", lambda: stager.backlog(clock.now(), 100)) < 10
        assert entries_read("job_lease", lambda: rescuer.rescue_lost(clock.now(), clock.now())) < 10
        assert entries_read("job_unstaged", lambda: staging.due(0, clock.now(), 1)) > 100  # the dead ones are there


@postgres
def test_an_old_transaction_does_not_make_the_searches_for_schedules_and_gates_longer(
    only_once, stager, account, moved_clock
):
    with old_transaction():
        create_schedule(account, misfire="skip")
        gates.ensure(account.id, FLOW, "shop", clock.now())
        for _ in range(40):
            moved_clock.advance(hours=1)
            execute("UPDATE gate SET wake_at = %s", (clock.now(),))
            stager.stage_due(clock.now())
            planner.expire(clock.now())
            planner.plan_due(clock.now())
        moved_clock.advance(minutes=1)

        assert entries_read("gate_wake", lambda: stager.stage_due(clock.now())) < 10
        assert entries_read("schedule_next", lambda: planner.plan_due(clock.now())) < 10
        assert entries_read("job_start_by", lambda: planner.expire(clock.now())) < 10
        assert entries_read("gate_wake", lambda: parking.first_awake(0, clock.now())) >= 40
        assert entries_read("schedule_next", lambda: planning.first_due(0, clock.now())) >= 40
        assert entries_read("job_start_by", lambda: misfire.first_expired(0, clock.now())) >= 20


@contextlib.contextmanager
def old_transaction():
    with psycopg.connect(str(database.obj.database)) as other:
        other.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        other.execute("SELECT count(*) FROM job")
        yield
        other.rollback()


def finish_jobs(account, stager, count):
    for _ in range(count):
        make_job(account)
    stager.stage_due(clock.now())
    claimed = lifecycle.claim([job.id for job in Job.select(Job.id)], clock.now(), clock.SECOND)
    assert len(lifecycle.complete(claimed, clock.now())) == count


def entries_read(index, search):
    """How many entries of the index a search reads, dead ones included."""
    sql = f"SELECT pg_stat_get_xact_tuples_returned('{index}'::regclass)"
    with transaction():
        before = fetch(sql)[0][0]
        search()
        return fetch(sql)[0][0] - before


def test_a_search_that_began_before_rows_came_back_says_nothing_of_where_they_are():
    """Jobs are rescued on one thread of the ticker while another searches."""
    front = Front()

    def find_while_others_rescue(_begin):
        front.forget()

    front.search(NOW, find_while_others_rescue)

    assert front.begins_at(NOW) == 0
