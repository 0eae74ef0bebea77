"""Leases of requests that may take longer than one lease: short at first, and renewed while the process lives."""

import pytest
from peewee import OperationalError

from models.jobs import lifecycle
from models.rules import clock
from models.rules.clock import MINUTE, SECOND
from tests.support.races import held_elsewhere
from tests.support.rows import claim_job, reread
from workers.delivery.long_leases import LongLeases
from workers.ticker.rescuer import rescue_lost

HOURS_2 = 7_200_000
MARGIN = 10 * SECOND


def leases_of(*claims):
    return LongLeases(lambda: claims, MARGIN)


def test_a_claim_leases_fifteen_minutes_at_most(account, moved_clock):
    long, short = (claim_job(account, timeout_ms=timeout_ms) for timeout_ms in (HOURS_2, 900_000))
    assert reread(long).lease_until == reread(short).lease_until == clock.now() + 15 * MINUTE + SECOND


def test_a_long_request_is_under_way_for_two_hours_while_its_process_renews_the_lease(account, moved_clock):
    claim = claim_job(account, timeout_ms=HOURS_2)
    leases = leases_of(claim)

    for _ in range(119):
        moved_clock.advance(minutes=1)
        leases.renew(clock.now())
        assert rescue_lost(clock.now()) == 0

    assert reread(claim).lease_until == claim.attempted_at + HOURS_2 * 1000 + MARGIN
    moved_clock.advance(minutes=2)
    leases.renew(clock.now())
    assert rescue_lost(clock.now()) == 1


def test_a_long_request_whose_process_died_is_taken_back_within_sixteen_minutes(account, moved_clock):
    claim = claim_job(account, timeout_ms=HOURS_2)
    moved_clock.advance(minutes=16)
    assert rescue_lost(clock.now()) == 1
    assert leases_of(claim).renew(clock.now()) is None
    assert (reread(claim).state, reread(claim).lease_until) == ("available", None)


def test_leases_that_could_not_be_renewed_are_renewed_at_the_next_call(account, moved_clock, monkeypatch):
    """The next try came a minute later."""
    claim, extend = claim_job(account, timeout_ms=HOURS_2), lifecycle.extend
    leases = leases_of(claim)
    moved_clock.advance(minutes=5)
    monkeypatch.setattr(lifecycle, "extend", failing)
    with pytest.raises(OperationalError):
        leases.renew(clock.now())
    monkeypatch.setattr(lifecycle, "extend", extend)

    leases.renew(clock.now())

    assert reread(claim).lease_until == clock.now() + 15 * MINUTE + MARGIN


def failing(_leases):
    raise OperationalError("gone")


def test_the_lease_of_a_short_request_is_not_renewed(account, moved_clock):
    claim = claim_job(account, timeout_ms=900_000)
    before = reread(claim).lease_until
    moved_clock.advance(minutes=5)
    leases_of(claim).renew(clock.now())
    assert reread(claim).lease_until == before


def test_a_lease_is_renewed_for_a_job_cancelled_under_way(account, moved_clock):
    claim = claim_job(account, timeout_ms=HOURS_2)
    lifecycle.cancel([claim.id], clock.now(), waiting_only=False)
    moved_clock.advance(minutes=5)
    leases_of(claim).renew(clock.now())
    assert reread(claim).lease_until == clock.now() + 15 * MINUTE + MARGIN


def test_a_row_that_another_session_holds_does_not_keep_others_from_renewal(account, db, moved_clock):
    first, second = claim_job(account, timeout_ms=HOURS_2), claim_job(account, timeout_ms=HOURS_2)
    moved_clock.advance(minutes=5)
    if db == "sqlite":
        leases_of(first, second).renew(clock.now())
    else:
        with held_elsewhere("job", first.id):
            leases_of(first, second).renew(clock.now())
    assert reread(second).lease_until == clock.now() + 15 * MINUTE + MARGIN


def test_leases_are_counted_by_the_clock_of_the_database(account, moved_clock):
    claim = claim_job(account, timeout_ms=HOURS_2)
    moved_clock.advance(minutes=5)
    leases_of(claim).renew(clock.now(), ahead_us=3 * SECOND)
    assert reread(claim).lease_until == clock.now() + 15 * MINUTE + MARGIN - 3 * SECOND
