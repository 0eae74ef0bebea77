"""The limit of open files, which must not end requests that have a slot."""

import resource

import pytest

from workers.delivery.slots.open_files import IDLE_CONNECTIONS, SPARE, slots_allowed


@pytest.fixture
def limits(monkeypatch):
    """The process's limits, soft and hard, as a list that stands where the system's are."""
    kept = [1024, 1_000_000]
    monkeypatch.setattr(resource, "getrlimit", lambda _which: tuple(kept))
    monkeypatch.setattr(resource, "setrlimit", lambda _which, pair: kept.__setitem__(slice(2), pair))
    return kept


def test_a_limit_too_low_for_the_slots_is_raised(limits):
    assert slots_allowed(20_000) == 20_000
    assert limits == [20_000 + IDLE_CONNECTIONS + SPARE, 1_000_000]


def test_few_slots_need_few_idle_connections(limits):
    limits[0] = 64
    assert slots_allowed(77) == 77
    assert limits == [2 * 77 + SPARE, 1_000_000]


def test_a_limit_that_is_high_enough_is_left(limits):
    limits[0] = 900_000
    assert slots_allowed(2048) == 2048
    assert limits == [900_000, 1_000_000]


def test_an_unlimited_system_is_no_special_case(limits):
    limits[:] = [1024, resource.RLIM_INFINITY]
    assert slots_allowed(2048) == 2048
    assert limits[0] == 2048 + IDLE_CONNECTIONS + SPARE


@pytest.mark.parametrize(
    ("hard", "room"), [(20_000, 20_000 - IDLE_CONNECTIONS - SPARE), (1024, (1024 - SPARE) // 2), (SPARE, 1)]
)
def test_there_are_no_more_slots_than_files(limits, caplog, hard, room):
    limits[:] = [64, hard]
    assert slots_allowed(20_000) == room
    assert limits[0] == hard
    assert f"{room} slots instead of 20000 of BOOPER_SENDER_SLOTS" in caplog.text
