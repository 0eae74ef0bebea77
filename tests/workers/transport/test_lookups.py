"""S-TIME: lookups that hang, and what they cost others."""

import asyncio
import socket
import threading

import pytest

from tests.support.scripted_receivers import OK, answering
from tests.support.waiting import wait_until
from workers.transport.lookup_queue import domain_of
from workers.transport.lookups import Lookups
from workers.transport.outcome import Failed, Unreachable
from workers.transport.wire_format import Request

ADDRESS = "127.0.0.1"
ALICE, BOB = 1, 2


class Hanging:
    """Looks up: names under hang.example wait until the test ends; which have begun is kept."""

    def __init__(self):
        self.let_go, self.begun = threading.Event(), []

    def __call__(self, host, port):
        self.begun.append(host)
        if host.endswith("hang.example"):
            self.let_go.wait(10)
        return [ADDRESS]


@pytest.fixture
def hanging():
    look_up = Hanging()
    yield look_up
    look_up.let_go.set()


def outcomes(lookups, *names):
    """What comes of looking up these (host, account) at once: addresses or Failed."""

    async def run():
        lookups_of_all = [lookups.addresses(host, 80, account_id) for host, account_id in names]
        return await asyncio.gather(*lookups_of_all, return_exceptions=True)

    try:
        return asyncio.run(run())
    finally:
        lookups.close()


def test_a_lookup_that_hangs_is_given_up_after_the_limit(hanging, send):
    outcome = send("http://a.hang.example/", lookups=Lookups(hanging, limit_s=0.2))
    assert (type(outcome), outcome.reason, outcome.cause) == (Unreachable, "dns", "name_lookup_failed")
    assert outcome.timings.total_ms >= 200


def test_a_lookup_that_hangs_ends_with_the_attempt(hanging, send):
    outcome = send("http://a.hang.example/", timeout_ms=200, look_up=hanging)
    assert (type(outcome), outcome.reason) == (Unreachable, "connect")
    assert outcome.timings.total_ms >= 200


def test_lookups_that_hang_hold_a_bounded_number_of_threads(hanging):
    lookups = Lookups(hanging, threads=2, limit_s=0.1)
    names = [(f"www{number}.hang.example", number) for number in range(6)]
    assert all(isinstance(outcome, Failed) for outcome in outcomes(lookups, *names))
    assert len(hanging.begun) == 2


def test_t14_a_silent_domain_costs_only_itself(hanging):
    """One in thirty-two of the other domains failed after five seconds without a question to DNS."""
    lookups = Lookups(hanging, threads=8, threads_per_domain=2, limit_s=1.0)
    silent = [(f"www{number}.hang.example", ALICE) for number in range(20)]
    others = [(f"www.other{number}.example", ALICE) for number in range(40)]

    outcomes_of_all = outcomes(lookups, *silent, *others)

    assert all(isinstance(outcome, Failed) for outcome in outcomes_of_all[:20])
    assert outcomes_of_all[20:] == [[ADDRESS]] * 40


def test_one_account_whose_lookups_hang_leaves_half_of_the_threads_to_the_others(hanging):
    """However many domains it has: its attempts ended, and their slots came free, long before their threads did."""
    lookups = Lookups(hanging, threads=4, threads_per_domain=4, limit_s=1.0)
    silent = [(f"{number}.hang.example", ALICE) for number in range(8)]
    outcomes_of_all = outcomes(lookups, *silent, ("good.example", ALICE), ("fine.example", BOB))
    assert isinstance(outcomes_of_all[-2], Failed)
    assert outcomes_of_all[-1] == [ADDRESS]
    assert len(hanging.begun) == 3


def test_an_account_looks_up_again_when_what_hung_has_ended(hanging):
    lookups = Lookups(hanging, threads=2, limit_s=5)

    async def run():
        first = asyncio.ensure_future(lookups.addresses("a.hang.example", 80, ALICE))
        second = asyncio.ensure_future(lookups.addresses("good.example", 80, ALICE))
        await asyncio.sleep(0)
        hanging.let_go.set()
        return await asyncio.gather(first, second)

    assert asyncio.run(run()) == [[ADDRESS], [ADDRESS]]
    lookups.close()


@pytest.fixture
def no_threads(monkeypatch):
    """While it is set, the system starts no thread for lookups."""
    is_refusing, start = threading.Event(), threading.Thread.start

    def started(thread):
        if is_refusing.is_set() and thread.name.startswith("lookup-"):
            raise RuntimeError("can't start new thread")
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", started)
    is_refusing.set()
    return is_refusing


def test_a_name_is_looked_up_again_after_the_system_gave_no_thread(hanging, no_threads):
    """Its lookup was under way for ever: each later attempt to that host waited for it, and failed."""
    lookups = Lookups(hanging, threads=1)

    async def run():
        with pytest.raises(Failed, match="RuntimeError"):
            await lookups.addresses("good.example", 80, ALICE)
        no_threads.clear()
        return await lookups.addresses("good.example", 80, ALICE)

    assert asyncio.run(run()) == [ADDRESS]
    lookups.close()


def test_a_name_that_many_ask_for_at_once_is_looked_up_once(hanging):
    assert outcomes(Lookups(hanging), *[("good.example", ALICE), ("good.example", BOB)] * 500) == [[ADDRESS]] * 1000
    assert hanging.begun == ["good.example"]


def test_a_name_is_looked_up_anew_when_the_lookup_before_has_ended(hanging):
    lookups = Lookups(hanging)

    async def run():
        for _ in range(3):
            await lookups.addresses("good.example", 80, ALICE)

    asyncio.run(run())
    lookups.close()
    assert hanging.begun == ["good.example"] * 3


def test_a_lookup_that_its_attempt_gave_up_is_not_made(hanging):
    lookups = Lookups(hanging, threads=1)

    async def run():
        hung = asyncio.ensure_future(lookups.addresses("a.hang.example", 80, ALICE))
        waiting = asyncio.ensure_future(lookups.addresses("late.example", 80, ALICE))
        await asyncio.sleep(0)
        waiting.cancel()
        hanging.let_go.set()
        await asyncio.wait([hung, waiting])
        await lookups.addresses("good.example", 80, BOB)

    asyncio.run(run())
    lookups.close()
    assert hanging.begun == ["a.hang.example", "good.example"]


def test_a_lookup_that_one_of_two_attempts_gave_up_is_made_for_the_other(hanging):
    lookups = Lookups(hanging, threads=1)

    async def run():
        hung = asyncio.ensure_future(lookups.addresses("a.hang.example", 80, ALICE))
        impatient = asyncio.ensure_future(lookups.addresses("good.example", 80, ALICE))
        patient = asyncio.ensure_future(lookups.addresses("good.example", 80, BOB))
        await asyncio.sleep(0)
        impatient.cancel()
        await asyncio.wait([impatient])
        hanging.let_go.set()
        await hung
        return await patient

    assert asyncio.run(run()) == [ADDRESS]
    lookups.close()


def test_a_name_whose_lookup_was_given_up_is_looked_up_for_the_next_attempt(hanging):
    lookups = Lookups(hanging, threads=1)

    async def run():
        hung = asyncio.ensure_future(lookups.addresses("a.hang.example", 80, ALICE))
        impatient = asyncio.ensure_future(lookups.addresses("good.example", 80, ALICE))
        await asyncio.sleep(0)
        impatient.cancel()
        await asyncio.wait([impatient])
        hanging.let_go.set()
        await hung
        return await lookups.addresses("good.example", 80, ALICE)

    assert asyncio.run(run()) == [ADDRESS]
    lookups.close()


def test_closing_ends_the_threads(hanging):
    lookups = Lookups(hanging)
    outcomes(lookups, ("good.example", ALICE))
    wait_until(lambda: not any(thread.is_alive() for thread in lookups._threads))


@pytest.mark.parametrize(
    ("error", "cause"),
    [
        (socket.gaierror(socket.EAI_NONAME, "Name or service not known"), "name_unknown"),
        (socket.gaierror(socket.EAI_AGAIN, "Temporary failure"), "name_lookup_failed"),
        (UnicodeError("label too long"), "name_lookup_failed"),
    ],
)
def test_t11_a_lookup_that_fails_says_why(send, error, cause):
    def look_up(host, port):
        raise error

    outcome = send("http://missing.example/", look_up=look_up)
    assert (type(outcome), outcome.reason, outcome.cause) == (Unreachable, "dns", cause)


def test_the_system_is_asked_by_default(receiver, send):
    target = receiver(answering(OK))
    assert send(target.url(host="localhost")).status_code == 200


@pytest.mark.parametrize(
    ("host", "domain"),
    [
        ("a.b.example.com", "example.com"),
        ("example.com", "example.com"),
        ("shop.example.co.uk", "example.co.uk"),
        ("example.com.au", "example.com.au"),
        ("www.example.de", "example.de"),
        ("localhost", "localhost"),
    ],
)
def test_a_domain_is_what_one_owner_of_names_usually_holds(host, domain):
    assert domain_of(host) == domain


def test_a_follow_up_takes_no_lookup_threads_of_its_account_s_requests(receiver, transport):
    class Noting(Lookups):
        async def addresses(self, host, port, account_id):
            owners.append(account_id)
            return await super().addresses(host, port, account_id)

    owners = []
    target = receiver(answering(OK))
    sender = transport(lookups=Noting(lambda host, port: ["127.0.0.1"]))

    for owner in (7, -7):
        sender.send(Request("GET", target.url(host="one.example"), {}, None, 30_000, owner=owner))

    assert owners == [7, -7]
