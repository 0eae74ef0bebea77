"""Jobs that threads create at the same time share a commit, and are what they are when each is created alone."""

import threading
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import pytest
from peewee import IntegrityError, OperationalError

from models.accounts import account_store
from models.database import ids
from models.database.connection import connection, database, dialect, release_connection
from models.database.group_commit import GroupCommit
from models.database.sql import fetch
from models.database.transactions import transaction
from models.jobs import job_store, transition_counts
from models.jobs.job_store import NewJob
from models.rules import clock
from tests.support.waiting import wait_until

SECONDS = 60
BODY = b"\x00\xff"


def order(account, number, **fields):
    args = f'{{"url": "http://127.0.0.1:9/{number}"}}'
    now = clock.now()
    return NewJob(account.id, args, BODY, "text/plain", now + number, name=f"job {number}", **fields)


def create(new):
    with connection():
        return job_store.create(new, clock.now())


@pytest.fixture
def held(db, monkeypatch):
    """The commits of new jobs, of which the first waits for `held.may_end`."""
    held = SimpleNamespace(groups=[], may_end=threading.Event())

    def insert_all(ordered):
        held.groups.append(len(ordered))
        if len(held.groups) == 1:
            assert held.may_end.wait(SECONDS)
        return insert(ordered)

    insert, held.commits = job_store._insert_all, GroupCommit(insert_all)
    monkeypatch.setattr(job_store, "_at_once", held.commits)
    with ThreadPoolExecutor(8) as held.pool:
        yield held
        held.may_end.set()


def waiting_in(held, account_id):
    """How many threads wait for the commit of this account."""
    return len(held.commits._lines[account_id])


def begin_all(held, orders):
    """Threads that create these jobs, all of one account; the first inserts while the others wait in their order."""
    futures = []
    for waiting, new in enumerate(orders):
        futures.append(held.pool.submit(create, new))
        wait_until(lambda line=(new.account_id, waiting): held.groups and waiting_in(held, line[0]) == line[1])
    return futures


def test_jobs_that_come_during_a_commit_share_the_next(account, held, moved_clock, monkeypatch):
    counted = []
    monkeypatch.setattr(transition_counts, "listener", lambda *counts: counted.append(counts))
    orders = [order(account, number) for number in range(4)]

    futures = begin_all(held, orders)
    held.may_end.set()
    results = [future.result(SECONDS) for future in futures]

    assert held.groups == [1, 3]
    assert [created for _, created in results] == [True] * 4
    assert [job.name for job, _ in results] == [new.name for new in orders]
    assert [job_store.find(account.id, job.id) for job, _ in results] == [job for job, _ in results]
    assert counted == [("created", 1)] * 4


def test_a_job_of_a_group_is_stored_as_one_that_is_created_alone(account, held, moved_clock):
    orders = [order(account, number, description="same", max_attempts=3, timeout_ms=500) for number in (1, 1, 1)]

    futures = begin_all(held, orders)
    held.may_end.set()
    job_ids = [future.result(SECONDS)[0].id for future in futures]

    alone, *together = [
        [value for name, value in row.items() if name not in ("id", "uuid")] for row in map(whole_row, job_ids)
    ]
    assert together == [alone, alone]


def whole_row(job_id):
    cursor = database.execute_sql("SELECT * FROM job WHERE id = %s", (job_id,))
    return dict(zip([column[0] for column in cursor.description], cursor.fetchone(), strict=True))


def test_jobs_that_wait_go_in_by_one_statement_and_a_job_alone_by_its_own(account, held, moved_clock, monkeypatch):
    statements, execute = [], type(database.obj).execute_sql

    def noted(self, sql, *arguments):
        if sql.startswith("INSERT INTO job "):
            statements.append("unnest" if "unnest" in sql else "values")
        return execute(self, sql, *arguments)

    monkeypatch.setattr(type(database.obj), "execute_sql", noted)
    futures = begin_all(held, [order(account, number) for number in range(4)])
    held.may_end.set()
    for future in futures:
        future.result(SECONDS)

    assert statements == ["values", "unnest"] if dialect() == "postgresql" else ["values"] * 4


def test_a_job_that_the_database_refuses_fails_alone_and_the_others_are_stored_once(account, held, moved_clock):
    orders = [order(account, 0), order(account, 1), order(account, 2)._replace(args=None), order(account, 3)]

    futures = begin_all(held, orders)
    held.may_end.set()

    assert [type(future.exception(SECONDS)) for future in futures] == [
        type(None),
        type(None),
        IntegrityError,
        type(None),
    ]
    assert sorted(name for (name,) in fetch("SELECT name FROM job")) == ["job 0", "job 1", "job 3"]


def test_a_large_job_does_not_wait_and_one_of_the_limit_does(account, held, moved_clock):
    [first] = begin_all(held, [order(account, 1)])
    large = order(account, 2)._replace(body=b"x" * (job_store.LARGE_BYTES + 1))

    assert create(large)[0].name == "job 2"

    other = held.pool.submit(create, large._replace(body=large.body[1:]))
    wait_until(lambda: waiting_in(held, account.id) == 1)
    held.may_end.set()
    assert [future.result(SECONDS)[1] for future in (first, other)] == [True, True]


def test_threads_that_wait_leave_the_scarce_connections_to_the_one_that_inserts(on_postgresql, monkeypatch):
    """They held all four, and the first waited four seconds for one."""
    with on_postgresql:
        monkeypatch.setattr(database.obj, "connections", 4)
        account = account_store.account_named("alice", clock.now())
        release_connection()
        insert, begun, may_begin = job_store._insert_all, threading.Event(), threading.Event()

        def insert_all(ordered):
            if not begun.is_set():
                begun.set()
                assert may_begin.wait(SECONDS)
            return insert(ordered)

        commits = GroupCommit(insert_all)
        monkeypatch.setattr(job_store, "_at_once", commits)

        def create_after_a_look(new):
            with connection():
                fetch("SELECT 1")
                return job_store.create(new, clock.now())

        with ThreadPoolExecutor(8) as pool:
            first = pool.submit(job_store.create, order(account, 0), clock.now())
            assert begun.wait(SECONDS)
            others = [pool.submit(create_after_a_look, order(account, number)) for number in range(1, 5)]
            wait_until(lambda: len(commits._lines[account.id]) == 4)
            in_use = database.obj.in_use
            may_begin.set()
            assert [future.result(SECONDS)[1] for future in (first, *others)] == [True] * 5

    assert in_use <= 2


def test_a_job_of_another_account_does_not_wait(account, held, moved_clock):
    other = account_store.account_named("other", clock.now())
    [first] = begin_all(held, [order(account, 1)])

    job, created = create(order(other, 2))

    assert (job.name, created) == ("job 2", True)
    assert not first.done()


def test_each_job_of_a_group_has_its_own_labels(account, held, moved_clock):
    label_sets = [(), ("blue", "new"), (), ("red",)]
    orders = [order(account, number, labels=names) for number, names in enumerate(label_sets)]

    futures = begin_all(held, orders)
    held.may_end.set()
    job_ids = [future.result(SECONDS)[0].id for future in futures]

    assert held.groups == [1, 3]
    stored = fetch("SELECT job_id, label FROM job_label ORDER BY job_id, label")
    assert stored == [(job_id, label) for job_id, names in zip(job_ids, label_sets, strict=True) for label in names]


@pytest.mark.parametrize("fields", [{"uuid": ids.new_id()}, {"idempotency_key": "k"}, {"fire_at": 1}])
def test_a_job_with_a_key_or_a_uuid_or_of_a_schedule_does_not_wait(account, held, moved_clock, fields):
    begin_all(held, [order(account, 1)])

    assert create(order(account, 2, **fields))[0].name == "job 2"
    assert held.groups == [1]


def test_a_job_that_is_created_in_a_transaction_is_gone_with_it(account, held, moved_clock):
    def create_and_fail():
        with transaction():
            job_store.create(order(account, 1), clock.now())
            raise LookupError

    pytest.raises(LookupError, create_and_fail)

    assert held.groups == []
    assert fetch("SELECT id FROM job") == []


def test_a_database_that_is_gone_fails_the_jobs_of_its_commit_alone(account, held, moved_clock, monkeypatch):
    def gone(*_arguments, **_options):
        raise OperationalError("server closed the connection")

    futures = begin_all(held, [order(account, number) for number in range(3)])
    with monkeypatch.context() as patch:
        patch.setattr(job_store, "_insert_set", gone)
        patch.setattr(job_store, "_insert_one", gone)
        held.may_end.set()
        assert {str(future.exception(SECONDS)) for future in futures} == {"server closed the connection"}

    assert create(order(account, 4))[1]
    assert [name for (name,) in fetch("SELECT name FROM job")] == ["job 4"]
