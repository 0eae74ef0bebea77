"""The small parts of the transport, each by itself: on clocks that stand still, and without a socket."""

import asyncio
import threading

import pytest

from workers.transport import deadline, idle_connections, pool, race
from workers.transport.deadline import Deadline, Start
from workers.transport.idle_connections import IdleConnections, is_usable
from workers.transport.lookup_queue import Lookup, LookupQueue, domain_of
from workers.transport.loop_thread import LagMeter
from workers.transport.mail import exchange_limit, mailer
from workers.transport.outcome import Answered, Blocked, Failed, Refused, Timings, Unreachable, outcome_of
from workers.transport.race import GoodAddresses


class Clock:
    """Stands in for `time` in a module."""

    def __init__(self):
        self.now_s = 1000.0

    def monotonic(self):
        return self.now_s

    def monotonic_ns(self):
        return round(self.now_s * 1e9)


@pytest.fixture
def steady(monkeypatch):
    moved = Clock()
    for module in (deadline, idle_connections, race):
        monkeypatch.setattr(module, "time", moved)
    return moved


class Connection:
    """An open connection that carries nothing."""

    def __init__(self, steady, origin="a"):
        self.origin, self.is_open, self.on_closed = origin, True, None
        self.idle_since_s = self.opened_at_s = steady.now_s

    def close(self):
        self.is_open = False


def keep(most, *connections):
    """What keeps them, on a loop that has ended."""
    idle = IdleConnections(most)

    async def keep_all():
        for each in connections:
            idle.keep(each)

    asyncio.run(keep_all())
    return idle


def test_the_connection_that_was_used_last_is_used_again(steady):
    first, last, other = Connection(steady), Connection(steady), Connection(steady, "b")
    idle = keep(3, first, last, other)
    assert [idle.take("a"), idle.take("a"), idle.take("a"), len(idle)] == [last, first, None, 1]


def test_of_too_many_connections_the_one_that_waited_longest_is_closed(steady):
    connections = [Connection(steady) for _ in range(3)]
    idle = keep(2, *connections)
    assert ([each.is_open for each in connections], len(idle)) == ([False, True, True], 2)


def test_a_connection_that_comes_back_after_the_end_is_closed(steady):
    before, after = Connection(steady), Connection(steady)
    idle = keep(2, before)
    idle.close()
    idle.keep(after)
    assert (before.is_open, after.is_open, len(idle)) == (False, False, 0)


def test_a_connection_that_is_met_unusable_is_closed_and_forgotten(steady):
    closed, usable = Connection(steady), Connection(steady)
    idle = keep(2, usable, closed)
    closed.is_open = False
    assert (idle.take("a"), len(idle)) == (usable, 0)


@pytest.mark.parametrize(("since", "limit_s"), [("idle_since_s", 4.0), ("opened_at_s", 60.0)])
def test_a_connection_is_usable_up_to_its_age(steady, since, limit_s):
    connection = Connection(steady)
    setattr(connection, since, steady.now_s - limit_s)
    assert is_usable(connection)
    setattr(connection, since, steady.now_s - limit_s - 0.001)
    assert not is_usable(connection)


class Sender:
    """Notes what the pool has it do."""

    def __init__(self, log, name):
        self._log, self._name = log, name

    def send_on(self, connection):
        self._log.append((self._name, connection))

    def dial(self):
        self._log.append((self._name, "dials"))


def looks_of(monkeypatch, senders, freed):
    """How many of so many senders dial at once, and at the next look, if so many connections came free meanwhile."""
    log, looks = [], []

    async def serve_all():
        monkeypatch.setattr(asyncio.get_running_loop(), "call_later", lambda *call: looks.append(call), raising=False)
        served = pool.Pool(10)
        for number in range(senders):
            served.serve("a", Sender(log, number))
        dialed = len(log)
        for _ in range(freed):
            served.give_up("a")
        [(_, look, lane)] = looks
        before = len(log)
        look(lane)
        return dialed, len(log) - before, [name for name, _ in log] == list(range(len(log)))

    return asyncio.run(serve_all())


@pytest.mark.parametrize(
    ("senders", "freed", "more"),
    [(20, 0, 4), (40, 0, 8), (40, 7, 8), (40, 8, 0)],
)
def test_connections_become_more_while_most_do_not_come_free(monkeypatch, senders, freed, more):
    """In the order in which the senders came."""
    assert looks_of(monkeypatch, senders, freed) == (16, more, True)


def test_the_address_that_answered_is_tried_first_for_ten_minutes(steady):
    good = GoodAddresses()
    good.note("h", "b")
    assert good.first("h", ["a", "b"]) == ["b", "a"]
    steady.now_s += 600
    assert good.first("h", ["a", "b"]) == ["a", "b"]
    assert good.first("other", ["a", "b"]) == ["a", "b"]


def test_an_address_that_a_name_has_no_more_is_not_tried(steady):
    good = GoodAddresses()
    good.note("h", "c")
    assert good.first("h", ["a", "b"]) == ["a", "b"]


def test_families_are_tried_in_turn_the_first_named_first(steady):
    assert GoodAddresses().first("h", ["::1", "::2", "1.1.1.1", "::3"]) == ["::1", "1.1.1.1", "::2", "::3"]
    assert GoodAddresses().first("h", ["1.1.1.1", "::1", "::2"]) == ["1.1.1.1", "::1", "::2"]


def test_of_too_many_hosts_the_one_that_answered_longest_ago_is_forgotten(steady, monkeypatch):
    monkeypatch.setattr(race, "REMEMBERED_HOSTS", 2)
    good = GoodAddresses()
    for host in ("x", "y", "x", "z"):
        good.note(host, "b")
    assert [host for host in "xyz" if good.first(host, ["a", "b"])[0] == "b"] == ["x", "z"]


def test_of_two_addresses_that_answer_at_once_one_connection_is_closed(steady, monkeypatch):
    monkeypatch.setattr(race, "NEXT_AFTER_S", 0)
    opened = []

    async def open_both():
        both_wait = asyncio.Event()

        async def connect(address):
            if address == "b":
                both_wait.set()
            await both_wait.wait()
            opened.append(Connection(steady))
            return opened[-1]

        return await race.race(["a", "b"], connect)

    winner = asyncio.run(open_both())

    assert len(opened) == 2
    assert [each for each in opened if each.is_open] == [winner]


def lookup(host, account_id=1):
    return Lookup(host, 80, account_id, None)


def test_accounts_and_their_domains_take_turns():
    waiting = LookupQueue(8, 8)
    names = [("1.a.test", 1), ("2.a.test", 1), ("1.b.test", 1), ("1.c.test", 2)]
    for host, account_id in names:
        waiting.put(lookup(host, account_id))
    assert [waiting.take().host for _ in names] == ["1.a.test", "1.c.test", "1.b.test", "2.a.test"]
    assert waiting.take() is None


@pytest.mark.parametrize(("hosts", "at_once"), [(["a.test"] * 3, 1), (["a.test", "b.test", "c.test"], 2)])
def test_a_domain_and_an_account_hold_no_more_threads_than_their_share(hosts, at_once):
    waiting = LookupQueue(4, 1)
    for host in hosts:
        waiting.put(lookup(host))
    held = [each for each in [waiting.take() for _ in hosts] if each]
    assert len(held) == at_once
    waiting.give(held[0])
    assert waiting.take() is not None
    assert waiting.take() is None


def test_no_lookup_has_a_thread_that_there_is_not():
    waiting = LookupQueue(2, 2)
    for account_id in range(3):
        waiting.put(lookup("a.test", account_id) if account_id else lookup("b.test"))
    assert [waiting.take() is None for _ in range(3)] == [False, False, True]


@pytest.mark.parametrize(
    ("host", "domain"),
    [
        ("hooks.shop.example.com", "example.com"),
        ("example.com", "example.com"),
        ("a.shop.co.uk", "shop.co.uk"),
        ("co.uk", "co.uk"),
        ("a.shop.info.uk", "info.uk"),
        ("a.shop.com.au", "shop.com.au"),
        ("localhost", "localhost"),
    ],
)
def test_the_domain_of_a_name_is_what_one_owner_holds(host, domain):
    assert domain_of(host) == domain


def raised(error):
    try:
        raise error
    except type(error) as caught:
        return caught


def test_each_way_to_fail_is_an_outcome():
    timings = Timings()
    assert outcome_of(Blocked("blocked_address", "10.0.0.1"), timings) == Refused("blocked_address", "10.0.0.1")
    assert outcome_of(Failed("tls", "expired", "certificate_expired"), timings) == Unreachable(
        "tls", "expired", timings, "certificate_expired"
    )
    unexpected = outcome_of(raised(ValueError("with a secret header")), timings)
    assert unexpected.reason == "protocol"
    assert unexpected.detail.startswith("unexpected ValueError at test_parts.py:")


@pytest.mark.parametrize(
    ("code", "outcome"), [(199, Unreachable), (200, Answered), (499, Answered), (500, Refused), (554, Refused)]
)
def test_a_reply_of_a_mail_server_from_500_on_is_for_good(code, outcome):
    assert isinstance(mailer._of_reply(code, 0.0), outcome)


def test_a_request_is_asked_about_again_after_twenty_milliseconds(steady):
    start = Start(None)
    steady.now_s += 0.019
    assert not start.is_slow()
    steady.now_s += 0.001
    assert start.is_slow()


def test_a_start_is_late_from_as_many_milliseconds_on(steady):
    start = Start(steady.monotonic_ns())
    steady.now_s += 0.04
    assert start.is_late(40.0)
    assert not start.is_late(40.001)
    start.count_anew(steady.monotonic_ns())
    assert not start.is_late(20.0)
    assert not Start(None).is_late(0.0)


def test_a_request_waits_for_its_instant_and_not_longer(steady):
    ahead = Start(steady.monotonic_ns() + 250_000_000)
    assert (ahead.ahead_s(), Start(None).ahead_s(), Start(1).ahead_s()) == (0.25, 0.0, 0.0)


def test_a_deadline_counts_from_its_start(steady):
    limit = Deadline(1500)
    steady.now_s += 0.5
    assert (limit.elapsed_ms(), limit.left_s()) == (500.0, 1.0)
    limit.note_first_byte()
    steady.now_s += 2
    limit.note_first_byte()
    assert limit.left_s() == 0.0
    assert (limit.timings().first_byte_ms, limit.timings().total_ms) == (500.0, 2500.0)


def test_phases_are_timed_and_can_be_forgotten(steady):
    limit = Deadline(1500)
    with limit.timed("dns_ms"):
        steady.now_s += 0.0125
    assert limit.timings().dns_ms == 12.5
    limit.forget_phases()
    assert (limit.timings().dns_ms, limit.timings().total_ms) == (None, 12.5)


class Loop:
    """Notes when it is to call what."""

    def __init__(self):
        self.calls = []

    def call_later(self, _delay_s, function, *args):
        self.calls.append((function, args))

    def run_next(self):
        function, args = self.calls.pop(0)
        function(*args)


def test_the_lag_is_measured_whenever_the_loop_is_busy():
    loop, busy, lags = Loop(), [True, False, False], []
    meter = LagMeter(loop, lambda: busy.pop(0), lags.append)
    meter.watch()
    meter.watch()
    assert len(loop.calls) == 1
    loop.run_next()
    loop.run_next()
    assert (len(lags), loop.calls) == (2, [])

    meter.watch()
    loop.run_next()
    assert (len(lags), loop.calls) == (3, [])


def test_the_limit_of_an_exchange_ends_with_it():
    """Otherwise it would cut what comes next over the same socket."""
    before = threading.enumerate()
    with exchange_limit.cut_after(3600, lambda: None):
        [limit] = [each for each in threading.enumerate() if each not in before]
        assert limit.daemon
    limit.join(5)
    assert not limit.is_alive()
