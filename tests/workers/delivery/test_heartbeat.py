"""A sending process's heartbeat: written, kept while the database is away, ended with the process."""

import pytest

from models.database.connection import close_all, open_database
from models.jobs.job_ref import JobRef
from models.operations import heartbeats
from models.rules import clock
from models.rules.clock import MINUTE
from tests.support.databases import go_away
from tests.support.rows import make_job
from tests.support.waiting import wait_until
from workers.delivery.heartbeat import MINUTES_HELD, Heartbeat, Recorded
from workers.delivery.slots.slots import Slots


def new_heartbeat():
    return Heartbeat(Slots(8, 1.0))


def attempts(account, count, completed=True):
    return [Recorded(account.id, clock.now(), 700, completed)] * count


def test_a_heartbeat_shows_slots_and_minutes(account, moved_clock):
    slots = Slots(8, 1.0)
    slots.take([JobRef(1, account.id, "a"), JobRef(2, account.id, "a")])
    process = Heartbeat(slots)
    process.count(attempts(account, 3) + attempts(account, 1, completed=False))
    process.write(clock.now())
    ((worker),) = heartbeats.workers()
    assert (worker.slots, worker.slots_in_use, worker.seen_at) == (8, 2, clock.now())
    assert heartbeats.minutes(account.id, clock.now(), 1)[0][:3] == (clock.now(), 3, 1)


def test_a_minute_grows_from_write_to_write_and_two_processes_share_it(account, moved_clock):
    first, second = new_heartbeat(), new_heartbeat()
    for process in (first, second, first):
        process.count(attempts(account, 1))
        process.write(clock.now())
    assert heartbeats.minutes(account.id, clock.now(), 1)[0].completed == 3


def test_what_could_not_be_written_is_written_later(account, moved_clock, db, tmp_path, request):
    process = new_heartbeat()
    process.count(attempts(account, 2))
    url = f"sqlite:///{tmp_path}/test.db" if db == "sqlite" else request.getfixturevalue("postgres_url")
    go_away()
    with pytest.raises(Exception, match="refused"):
        process.write(clock.now())
    close_all()
    open_database(url)
    moved_clock.advance(minutes=10)

    process.write(clock.now())

    assert heartbeats.minutes(account.id, clock.now(), 11)[0].completed == 2


def test_an_attempt_that_took_long_is_added_to_its_minute(account, moved_clock):
    """A minute was forgotten after three: what ended later took the place of what had been counted."""
    process, began_at = new_heartbeat(), clock.now()
    process.count(attempts(account, 5))
    for _ in range(4):
        process.write(clock.now())
        moved_clock.advance(minutes=4)
    process.count([Recorded(account.id, began_at, 700, True)])
    process.write(clock.now())
    assert heartbeats.minutes(account.id, began_at, 1)[0].completed == 6


def test_minutes_long_past_take_no_memory(account, moved_clock):
    process = new_heartbeat()
    for _ in range(40):
        process.count(attempts(account, 1))
        process.write(clock.now())
        moved_clock.now += MINUTE
    assert len(process._totals) <= MINUTES_HELD + 1


def test_what_runs_shows_in_the_statistics_and_the_process_says_goodbye(db, embedded, receiver, account):
    for _ in range(5):
        make_job(account, url=receiver.url)
    wait_until(lambda: heartbeats.depths() is not None and heartbeats.workers())
    wait_until(lambda: len(receiver.arrivals) == 5)
    embedded.stop()
    assert sum(minute.completed for minute in heartbeats.minutes(account.id, clock.now(), 3)) == 5
    assert heartbeats.workers() == []


def test_what_is_counted_while_a_minute_is_written_is_written_the_next_time(account, moved_clock, monkeypatch):
    process, record_minutes = new_heartbeat(), heartbeats.record_minutes
    process.count(attempts(account, 1))

    def count_meanwhile(rows):
        record_minutes(rows)
        process.count(attempts(account, 2))

    with monkeypatch.context() as slow:
        slow.setattr(heartbeats, "record_minutes", count_meanwhile)
        process.write(clock.now())
    process.write(clock.now())

    assert heartbeats.minutes(account.id, clock.now(), 1)[0].completed == 3
