"""The whole way of a job in one process: table, stager, in-process broker, claim, real socket, record."""

import json
import threading

import pytest

from models.accounts import account_store
from models.database.connection import close_all, connection
from models.jobs import lifecycle, states
from models.jobs.job_tables import Attempt, Job, LogEntry
from models.operations.heartbeat_tables import Ticker as TickerRow
from models.operations.leader import candidate
from models.rules import clock
from runtime.settings import load
from tests.support.rows import make_job, reread, stage_all
from tests.support.waiting import wait_until
from workers.embedded import Embedded

FAR = 7 * 24 * 3600


@pytest.fixture
def start(db):
    """Starts an embedded system with these settings; it is stopped whatever the test finds."""
    systems = []

    def start_with(**environ):
        systems.append(Embedded(load({f"BOOPER_{name}": value for name, value in environ.items()})))
        systems[-1].start()
        return systems[-1]

    yield start_with
    for system in systems:
        system.stop()


def final(*jobs):
    return lambda: all(reread(job).state in states.FINAL for job in jobs)


def test_a_due_job_reaches_its_receiver_as_it_was_asked(account, embedded, receiver):
    args = {"method": "put", "url": receiver.url + "/a%zz?x=1", "query": {"y": [1, 2]}, "headers": {"X-Mine": "yes"}}
    job = make_job(account, args=json.dumps(args), body=b'{"a": 1.0}', content_type="application/json")

    wait_until(final(job))

    [arrival] = receiver.arrivals
    assert (arrival.method, arrival.path, arrival.body) == ("PUT", "/a%zz?x=1&y=1&y=2", b'{"a": 1.0}')
    assert arrival.headers["X-Mine"] == "yes"
    assert arrival.headers["Content-Type"] == "application/json"
    assert arrival.headers["Booper-Job-Id"] == arrival.headers["Idempotency-Key"] == job.uuid
    assert arrival.headers["Booper-Attempt"] == "1"


def test_a_job_runs_at_its_time_and_not_before(account, embedded, receiver):
    jobs = [make_job(account, "scheduled", due_in_s=0.3 + number / 10, url=receiver.url) for number in range(5)]
    wait_until(final(*jobs))
    assert all(row.lateness_us >= 0 for row in Attempt.select())
    assert all(reread(job).attempted_at >= job.scheduled_at for job in jobs)


def test_a_failed_job_waits_for_its_next_try(account, embedded, receiver):
    job = make_job(account, url=receiver.url + "/status/500")
    wait_until(lambda: reread(job).state == "retryable")
    attempt = Attempt.get()
    assert 16 * clock.SECOND < attempt.next_at - attempt.finished_at < 20 * clock.SECOND
    assert attempt.next_at == reread(job).scheduled_at


def test_jobs_far_ahead_do_not_delay_a_near_one(account, embedded, receiver):
    far = [make_job(account, "scheduled", due_in_s=FAR) for _ in range(200)]
    near = make_job(account, "scheduled", due_in_s=1, url=receiver.url)
    wait_until(final(near))
    assert {reread(job).state for job in far} == {"scheduled"}
    assert {reread(job).staged_count for job in far} == {0}


def test_a_near_job_is_not_held_up_by_many_a_little_further(account, start, receiver):
    """The in-process broker's small prefetch once kept a near job behind early ones."""
    further = [make_job(account, "scheduled", due_in_s=6 + number / 100, url=receiver.url) for number in range(100)]
    start()
    wait_until(lambda: reread(further[-1]).staged_count == 1)

    near = make_job(account, "scheduled", due_in_s=0.5, url=receiver.url)
    wait_until(final(near))

    began_at = [reread(job).attempted_at for job in further]
    assert all(at is None or at > reread(near).attempted_at for at in began_at)


def test_more_jobs_than_slots_all_run_once(account, embedded, receiver):
    jobs = [make_job(account, url=receiver.url) for _ in range(60)]
    wait_until(final(*jobs))
    assert len(receiver.arrivals) == 60
    assert len({arrival.headers["Booper-Job-Id"] for arrival in receiver.arrivals}) == 60


def test_what_finds_no_slot_goes_back_to_the_table_and_runs_later(account, embedded, receiver, monkeypatch):
    monkeypatch.setattr("workers.delivery.delivery.HOLD_S", 0.2)
    hanging = [make_job(account, url=receiver.url + "/hang") for _ in range(8)]
    wait_until(lambda: len(receiver.arrivals) == 8)
    late = make_job(account, url=receiver.url)
    wait_until(lambda: reread(late).staged_count >= 2)
    receiver.let_go.set()
    wait_until(final(late, *hanging))
    assert [arrival.path for arrival in receiver.arrivals].count("/") == 1


def test_stopping_waits_for_requests_under_way_and_records_them(account, start, receiver):
    started = start(SHUTDOWN_GRACE_SECONDS="60")
    job = make_job(account, url=receiver.url + "/hang")
    wait_until(lambda: receiver.arrivals)
    stopping = threading.Thread(target=started.stop)
    stopping.start()
    receiver.let_go.set()
    stopping.join(60)
    assert reread(job).state == "completed"


def test_a_request_that_outlasts_the_grace_gives_its_attempt_back(account, embedded, receiver):
    job = make_job(account, url=receiver.url + "/hang")
    wait_until(lambda: receiver.arrivals)
    embedded.stop()
    assert (reread(job).state, reread(job).attempt) == ("available", 0)


def test_a_new_process_forgets_the_messages_of_the_one_before(account, start, receiver):
    job = make_job(account, url=receiver.url)
    stage_all()
    close_all()

    start()

    with connection():
        wait_until(final(job))
        assert Job.get().staged_count == 2


def test_a_hanging_host_leaves_slots_to_its_neighbors(account, start, receiver, monkeypatch):
    monkeypatch.setattr("workers.delivery.delivery.SNOOZE_S", (0.1, 0.2))
    start(SENDER_SLOTS="8", SLOT_SHARE="0.5")
    neighbor = account_store.account_named("bob", clock.now())
    hanging = [make_job(account, url=receiver.url + "/hang", host="slow.example") for _ in range(12)]
    wait_until(lambda: len(receiver.arrivals) == 4)
    good = [make_job(neighbor, url=receiver.url, host="good.example") for _ in range(12)]
    wait_until(final(*good))
    assert [arrival.path for arrival in receiver.arrivals].count("/hang") == 4

    receiver.let_go.set()
    wait_until(final(*hanging))
    assert len(receiver.arrivals) == 24


def test_what_the_owner_wants_hidden_is_in_no_log_entry(account, embedded, receiver):
    args = {"url": receiver.url, "method": "post", "headers": {"X-Plan": "s3cret"}}
    job = make_job(
        account, args=json.dumps(args), body=b"s3cret", content_type="text/plain", redact='["x-plan", "body"]'
    )

    wait_until(final(job))

    payloads = [entry.payload for entry in LogEntry.select()]
    assert len(payloads) == 2
    assert not any("s3cret" in payload or "ok" in payload for payload in payloads)
    assert receiver.arrivals[0].body == b"s3cret"


def test_a_second_process_waits_with_the_lead_until_the_first_has_drained(account, start, receiver):
    """It once took what was still under way for lost, and sent it again."""
    first = start(SHUTDOWN_GRACE_SECONDS="60")
    job = make_job(account, url=receiver.url + "/hang")
    wait_until(lambda: receiver.arrivals)
    start()

    stopping = threading.Thread(target=first.stop)
    stopping.start()
    receiver.let_go.set()
    stopping.join(60)

    wait_until(lambda: reread(job).state == "completed")
    assert (len(receiver.arrivals), reread(job).attempt) == (1, 1)


def test_a_backlog_for_a_hanging_target_is_published_at_growing_intervals(account, start, receiver, monkeypatch):
    monkeypatch.setattr("workers.delivery.delivery.SNOOZE_S", (0.1, 0.1))
    began_at = clock.now()
    start(SENDER_SLOTS="8", SLOT_SHARE="0.5")

    jobs = [make_job(account, url=receiver.url + "/hang", host="slow.example") for _ in range(12)]
    wait_until(lambda: sum(reread(job).staged_count >= 4 for job in jobs) == 8)
    receiver.let_go.set()
    wait_until(final(*jobs))

    assert len(receiver.arrivals) == 12
    times = max(reread(job).staged_count for job in jobs)
    shortest_us = sum(100_000 * 2 ** min(number, 5) for number in range(1, times))
    assert clock.now() - began_at >= shortest_us


def test_a_process_that_ends_at_once_gives_requests_back(account, embedded, receiver):
    """Three such orders once discarded a job as if it had ended three workers."""
    job = make_job(account, url=receiver.url + "/hang")
    wait_until(lambda: receiver.arrivals)
    embedded.abandon()
    assert (reread(job).state, reread(job).attempt, reread(job).crashes) == ("available", 0, 0)


def test_a_dawdling_hosts_backlog_does_not_starve_its_neighbors(account, start, receiver):
    """Its share moved now and then, so each of its messages held a thread for seconds."""
    start(SENDER_SLOTS="32", SLOT_SHARE="0.5")
    neighbor, url = account_store.account_named("bob", clock.now()), receiver.url + "/slow"
    slow = [make_job(account, url=url, due_in_s=-number, host="slow.example") for number in range(300)]
    wait_until(lambda: len(receiver.arrivals) > 40)
    good = [make_job(neighbor, url=receiver.url, host="good.example") for _ in range(5)]
    wait_until(final(*good))
    assert any(reread(job).state != "completed" for job in slow)


def test_a_system_that_has_stopped_has_given_up_the_lead(db, embedded_settings):
    system = Embedded(embedded_settings)
    system.start()
    wait_until(lambda: TickerRow.get().seen_at)
    system.stop()
    other = candidate()
    wait_until(other.hold)
    other.give_up()


def test_only_the_first_lead_takes_what_is_under_way_for_lost(account, db, embedded_settings):
    """On SQLite, whose one process delivers: of a later lead what is under way is its own."""
    system = Embedded(embedded_settings)
    left = claimed_for_long(account)
    system._rescue_all()
    assert reread(left).state == ("available" if db == "sqlite" else "executing")

    own = claimed_for_long(account)
    system._rescue_all()
    assert reread(own).state == "executing"


def claimed_for_long(account):
    """A job under way, whose lease runs for an hour."""
    job = make_job(account)
    lifecycle.claim([job.id], clock.now(), clock.HOUR)
    return job
