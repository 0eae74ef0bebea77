"""The breaker of a host: when it closes, who probes, when it opens, and what waits meanwhile."""

import pytest

from models.database.transactions import transaction
from models.flows import breakers, closing, parking
from models.flows.breakers import HostName
from models.jobs import lifecycle
from models.rules import clock
from models.rules.limits import ACCOUNT, HOST
from tests.support.flows import gate_of, ids_through, let_through, next_turns, order

A_HOST = "a.example"


def fail(account, times=1, most=3):
    """Whether the host's gate closed for it."""
    with transaction():
        return breakers.failed(HostName(account.id, A_HOST), times, most, clock.now()) is not None


def work(account):
    """Whether the host's gate opened for it."""
    with transaction():
        return breakers.worked(HostName(account.id, A_HOST), clock.now()) is not None


def test_a_host_that_fails_so_often_in_a_row_gets_nothing_more(account, moved_clock):
    ids = order(account, host=A_HOST, count=2)
    closed = [fail(account), fail(account), fail(account)]

    assert closed == [False, False, True]
    assert ids_through(ids) == []


def test_a_host_that_fails_less_often_is_sent_to(account, moved_clock):
    ids = order(account, host=A_HOST)
    fail(account, 2)

    assert ids_through(ids) == ids


def test_failures_that_are_more_than_a_minute_apart_are_not_in_a_row(account, moved_clock):
    ids = order(account, host=A_HOST)
    fail(account, 2)
    moved_clock.advance(seconds=61)
    fail(account, 2)

    assert ids_through(ids) == ids


def test_a_breaker_that_is_switched_off_closes_nothing(account, moved_clock):
    ids = order(account, host=A_HOST)
    fail(account, 1000, most=0)

    assert ids_through(ids) == ids


def test_a_success_in_between_begins_the_count_anew(account, moved_clock):
    ids = order(account, host=A_HOST)
    fail(account, 2)
    work(account)
    fail(account, 2)

    assert ids_through(ids) == ids


def test_one_job_goes_out_as_a_probe_and_the_next_later(account, moved_clock):
    ids = order(account, host=A_HOST, count=3)
    fail(account, 3)
    ids_through(ids)
    moved_clock.advance(seconds=10)
    named = [job_id for job_id, _ in next_turns()]
    probe = ids_through(ids)
    beside = ids_through(ids)
    fail(account)
    moved_clock.advance(seconds=20)

    assert (named, probe, beside) == (ids[:1], ids[:1], [])
    assert ids_through(ids) == ids[1:2]


def test_the_distance_of_probes_grows_up_to_ten_minutes():
    seconds = [breakers.probe_distance_us(probes) // clock.SECOND for probes in range(8)]

    assert seconds == [10, 20, 40, 80, 160, 320, 600, 600]


def test_the_first_success_opens_the_host_and_its_jobs_return(account, moved_clock):
    ids = order(account, host=A_HOST, count=3)
    fail(account, 3)
    ids_through(ids)
    moved_clock.advance(seconds=10)
    [probe] = let_through(ids)
    lifecycle.complete([probe], clock.now())

    opened = work(account)

    assert opened
    assert ([job_id for job_id, _ in next_turns()], ids_through(ids)) == (ids[1:], ids[1:])


def test_a_host_that_failed_again_after_it_worked_is_probed_as_soon_as_at_first(account, moved_clock):
    """Each success begins the distances anew; else a host would be left alone for longer at each outage of its life."""
    ids = order(account, host=A_HOST, count=4)
    fail(account, 3)
    for seconds in (10, 20):
        moved_clock.advance(seconds=seconds)
        lifecycle.complete(let_through(ids), clock.now())
        fail(account)
    work(account)

    fail(account, 3)
    moved_clock.advance(seconds=10)
    first = ids_through(ids)
    fail(account)
    moved_clock.advance(seconds=20)

    assert (first, ids_through(ids)) == (ids[2:3], ids[3:])


def test_a_job_that_comes_when_a_probe_is_due_is_the_probe(account, moved_clock):
    order(account, host=A_HOST)
    fail(account, 3)
    moved_clock.advance(seconds=10)
    [late] = order(account, host=A_HOST)

    assert ids_through([late]) == [late]


def test_the_job_that_was_due_first_is_the_probe(account, moved_clock):
    [later], [sooner] = order(account, host=A_HOST, in_s=2), order(account, host=A_HOST, in_s=1)
    fail(account, 3)
    moved_clock.advance(seconds=10)

    assert ids_through([later, sooner]) == [sooner]


def test_no_probe_goes_to_a_host_that_is_paused(account, moved_clock):
    ids = order(account, host=A_HOST)
    fail(account, 3)
    closing.pause(account.id, HOST, A_HOST, None, None, clock.now())
    moved_clock.advance(seconds=10)

    assert ids_through(ids) == []


def test_a_parked_job_is_found_when_a_probe_is_due_and_nobody_woke_the_gate(account, moved_clock):
    ids = order(account, host=A_HOST)
    fail(account, 3)
    next_turns(ahead_s=60)
    ids_through(ids)
    moved_clock.advance(seconds=10)

    parking.wake_forgotten(clock.now())

    assert [job_id for job_id, _ in next_turns()] == ids


@pytest.mark.parametrize("seconds", [30, 3600])
def test_a_host_rests_as_long_as_it_asked(account, moved_clock, seconds):
    ids = order(account, host=A_HOST)
    fail(account, most=0)
    closing.rest(gate_of(HOST, A_HOST).id, clock.now() + seconds * clock.SECOND, clock.now())
    moved_clock.advance(seconds=seconds - 1)
    held = ids_through(ids)
    moved_clock.advance(seconds=1)

    assert (held, ids_through(ids)) == ([], ids)


def test_a_shorter_rest_does_not_end_a_longer_one(account, moved_clock):
    ids = order(account, host=A_HOST)
    fail(account, most=0)
    gate_id = gate_of(HOST, A_HOST).id
    closing.rest(gate_id, clock.now() + clock.MINUTE, clock.now())
    closing.rest(gate_id, clock.now() + clock.SECOND, clock.now())
    moved_clock.advance(seconds=2)

    assert ids_through(ids) == []


@pytest.mark.parametrize("seconds", [None, 3600])
def test_no_probe_goes_out_for_an_account_that_is_paused(account, moved_clock, seconds):
    ids = order(account, host=A_HOST)
    fail(account, 3)
    until = None if seconds is None else clock.now() + seconds * clock.SECOND
    closing.pause(account.id, ACCOUNT, "", until, None, clock.now())
    moved_clock.advance(seconds=10)
    held = ids_through(ids)
    closing.resume(account.id, ACCOUNT, "", clock.now())

    assert (held, [job_id for job_id, _ in next_turns()], ids_through(ids)) == ([], ids, ids)
