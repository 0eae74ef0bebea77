"""The limit of open files, which must not end requests that have a slot."""

import resource

import pytest

from workers.transport.open_files import SPARE, allow_for


@pytest.fixture
def limits(monkeypatch):
    """The process's limits, soft and hard, as a list that stands where the system's are."""
    kept = [1024, 1_000_000]
    monkeypatch.setattr(resource, "getrlimit", lambda _which: tuple(kept))
    monkeypatch.setattr(resource, "setrlimit", lambda _which, given: kept.__setitem__(slice(2), given))
    return kept


def test_a_limit_too_low_for_the_slots_is_raised(limits):
    allow_for(2048)
    assert limits == [2 * 2048 + SPARE, 1_000_000]


def test_a_limit_that_is_high_enough_is_left(limits):
    limits[0] = 900_000
    allow_for(2048)
    assert limits == [900_000, 1_000_000]


def test_an_unlimited_system_is_no_special_case(limits):
    limits[:] = [1024, resource.RLIM_INFINITY]
    allow_for(2048)
    assert limits[0] == 2 * 2048 + SPARE


def test_what_the_system_refuses_is_told(limits, caplog):
    limits[:] = [1024, 2000]
    assert allow_for(2048) == 2000
    assert "lower BOOPER_SENDER_SLOTS" in caplog.text
