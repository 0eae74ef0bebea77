"""What systemd is told, and that nothing is where it does not ask."""

import os

import pytest

from runtime.systemd import ALIVE, READY, SignOfLife, notify, pause_s
from tests.support.systemd import ServiceManager

LIMIT = "WATCHDOG_USEC"


@pytest.fixture
def systemd(tmp_path, monkeypatch):
    with ServiceManager(tmp_path, watchdog_s=30) as systemd:
        for name, value in systemd.environment.items():
            monkeypatch.setenv(name, value)
        yield systemd


def test_a_state_reaches_the_socket_of_the_unit(systemd):
    notify(READY)
    assert systemd.heard() == [READY]


def test_without_a_unit_nothing_is_sent_and_nothing_fails(monkeypatch):
    monkeypatch.delenv("NOTIFY_SOCKET", raising=False)
    notify(READY)


def test_a_socket_that_is_gone_is_no_error(monkeypatch, tmp_path):
    monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "gone"))
    notify(READY)


def test_signs_of_life_come_three_times_within_the_limit_of_the_unit(systemd, monkeypatch):
    now = [100.0]
    monkeypatch.setattr("runtime.systemd.time.monotonic", lambda: now[0])
    sign_of_life = SignOfLife()

    for now[0] in (100.0, 105.0, 109.9, 110.0, 119.9, 120.0):
        sign_of_life()

    assert systemd.heard() == [ALIVE] * 3


@pytest.mark.parametrize("environment", [{LIMIT: ""}, {LIMIT: "soon"}, {LIMIT: "30000000", "WATCHDOG_PID": "1"}])
def test_a_process_that_systemd_does_not_watch_gives_no_sign(environment, systemd, monkeypatch):
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    SignOfLife()()
    assert (pause_s(), systemd.heard()) == (None, [])


def test_the_process_that_systemd_names_gives_signs(systemd, monkeypatch):
    monkeypatch.setenv("WATCHDOG_PID", str(os.getpid()))
    assert pause_s() == 10.0
