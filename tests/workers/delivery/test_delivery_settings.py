"""From the settings to what a sending process does: whom it may reach, what it signs, what it tells of itself."""

import json
import resource

import pytest

from models.database.host_clock import HostClock
from models.jobs.job_tables import Attempt, LogEntry
from models.rules import clock
from models.webhooks import signing_keys
from runtime.metrics import REGISTRY
from runtime.settings import load
from tests.support.rows import make_job, reread
from tests.support.scripted_receivers import ScriptedReceiver, answering
from tests.support.waiting import wait_until
from workers.delivery.delivery import Delivery
from workers.delivery.long_leases import LongLeases
from workers.delivery.slots.open_files import SPARE

ALLOWED = {"BOOPER_TARGET_ALLOW": "127.0.0.0/8"}


@pytest.fixture
def start(db):
    """Starts a process's delivery with these settings; it is drained whatever the test finds."""
    started = []

    def start_with(environ):
        started.append(Delivery(load(environ)))
        started[-1].start()
        return started[-1]

    yield start_with
    for each in started:
        each.close()
        each.drain()


def deliver(delivery, job):
    """The job's attempt, once it is recorded."""
    account_id = job.account_id if job.kind == "request" else -job.account_id
    delivery.deliver([(job.id, account_id, job.host)], clock.now())
    wait_until(lambda: Attempt.select().count() == 1)
    return Attempt.get()


def port_of(receiver):
    return receiver.url.rpartition(":")[2]


def listening(host):
    """That the API itself listens on this host, and on the receiver's port."""
    return lambda receiver: ALLOWED | {"BOOPER_HOST": host, "PORT": port_of(receiver)}


REFUSED = {
    "its own address": listening("127.0.0.1"),
    "its own name": listening("localhost"),
    "every address is its own": listening("0.0.0.0"),
    "its public URL": lambda receiver: ALLOWED | {"BOOPER_PUBLIC_URLS": receiver.url},
    "a network not allowed": lambda _: {"BOOPER_TARGET_ALLOW": "10.0.0.0/8"},
    "another port allowed": lambda _: {"BOOPER_TARGET_ALLOW": "127.0.0.0/8:1"},
}


@pytest.mark.parametrize("case", REFUSED)
def test_no_request_goes_where_the_settings_forbid_it(account, start, receiver, case):
    delivery = start(REFUSED[case](receiver))
    job = make_job(account, url=f"{receiver.url}/api/jobs", host="127.0.0.1")
    attempt = deliver(delivery, job)
    assert (attempt.outcome, attempt.reason) == ("refused", "blocked_address")
    assert (reread(job).state, receiver.arrivals) == ("discarded", [])


def test_a_request_goes_where_the_settings_allow_it(account, start, receiver):
    assert deliver(start(ALLOWED), make_job(account, url=receiver.url, host="127.0.0.1")).status_code == 200


@pytest.mark.parametrize("kind", ["request", "event", "callback"])
def test_the_first_that_a_fresh_process_sends_for_an_account_is_signed(account, start, receiver, kind):
    """Callbacks and events are named under the account's id negated."""
    signing_keys.create(account.id, None, clock.now())
    deliver(start(ALLOWED), make_job(account, url=receiver.url, host="127.0.0.1", kind=kind))
    assert "webhook-signature" in receiver.arrivals[0].headers


@pytest.mark.parametrize(("kept_bytes", "truncated"), [("1024", True), ("2000", False)])
def test_as_much_of_a_response_is_logged_as_the_setting_says(account, start, kept_bytes, truncated):
    target = ScriptedReceiver(answering(b"HTTP/1.1 200 OK\r\nContent-Length: 2000\r\n\r\n" + b"x" * 2000))
    try:
        deliver(
            start(ALLOWED | {"BOOPER_KEEP_RESPONSE_BYTES": kept_bytes}),
            make_job(account, url=target.url(), host="127.0.0.1"),
        )
    finally:
        target.close()

    payload = json.loads(LogEntry.get(LogEntry.event == "worker.http.response").payload)
    assert (payload["body"], payload["truncated"]) == ("x" * int(kept_bytes), truncated)


def sample(name):
    return REGISTRY.get_sample_value(name) or 0


def test_the_lateness_of_each_claim_is_counted(account, start, receiver):
    before = sample("booper_lateness_seconds_count"), sample("booper_lateness_seconds_sum")
    deliver(start(ALLOWED), make_job(account, url=receiver.url, host="127.0.0.1", due_in_s=-60))
    assert sample("booper_lateness_seconds_count") == before[0] + 1
    assert sample("booper_lateness_seconds_sum") >= before[1] + 60


def test_the_slots_of_a_process_show_as_long_as_it_sends(db):
    delivery = Delivery(load({"BOOPER_SENDER_SLOTS": "77"}))
    delivery.start()
    wait_until(lambda: sample("booper_sender_slots") == 77)
    delivery.close()
    delivery.drain()
    assert (sample("booper_sender_slots"), sample("booper_sender_slots_in_use")) == (0, 0)


def test_a_process_may_open_as_many_files_as_its_slots_need(start, monkeypatch):
    limits = [64, 1_000_000]
    monkeypatch.setattr(resource, "getrlimit", lambda _which: tuple(limits))
    monkeypatch.setattr(resource, "setrlimit", lambda _which, wanted: limits.__setitem__(slice(2), wanted))
    start({"BOOPER_SENDER_SLOTS": "77"})
    assert limits == [2 * 77 + SPARE, 1_000_000]


def test_the_lag_of_the_loop_is_measured_while_it_sends(account, start, receiver):
    before = sample("booper_sender_loop_lag_seconds_count")
    deliver(start(ALLOWED), make_job(account, url=f"{receiver.url}/slow", host="127.0.0.1"))
    assert sample("booper_sender_loop_lag_seconds_count") > before


def test_leases_are_renewed_by_the_clock_of_the_database(db, monkeypatch):
    """Of a host whose clock is ahead they would have ended early."""
    seen = []
    monkeypatch.setattr(HostClock, "compare", lambda _: 7)
    monkeypatch.setattr(LongLeases, "renew", lambda _, now, ahead_us=0: seen.append(ahead_us))
    delivery = Delivery(load({}))

    delivery.heartbeat._at_beat()

    assert seen == [7]
