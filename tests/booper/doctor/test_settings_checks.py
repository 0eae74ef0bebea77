"""Settings that are allowed and seldom meant are found; usual ones are not."""

import resource

import pytest

from booper.doctor.finding import ERROR, NOTE, OK, WARNING
from booper.doctor.settings_checks import check_settings
from runtime.settings import load

AMQP = {"BOOPER_BROKER_URL": "amqp://broker", "BOOPER_DATABASE_URL": "postgresql://h/n"}
NAMED = {"BOOPER_PUBLIC_URLS": "https://booper.example"}


def levels(environ):
    return [(finding.level, finding.text) for finding in check_settings(load(environ))]


@pytest.mark.parametrize("environ", [{}, {**AMQP, **NAMED}, {"BOOPER_TARGET_ALLOW": "10.0.0.0/8,[::1]/128:8080"}])
def test_usual_settings_are_fine(environ):
    assert [level for level, _ in levels(environ)] == [OK]


@pytest.mark.parametrize(
    ("environ", "level", "named"),
    [
        ({"BOOPER_HOST": "0.0.0.0"}, ERROR, "demo key"),
        ({"BOOPER_HOLD": "on"}, WARNING, "BOOPER_HOLD"),
        ({"BOOPER_TARGET_ALLOW": "0.0.0.0/0"}, WARNING, "BOOPER_TARGET_ALLOW"),
        ({"BOOPER_TARGET_ALLOW": "10.0.0.0/8, 0.0.0.0/1:80"}, WARNING, "BOOPER_TARGET_ALLOW"),
        ({"BOOPER_TARGET_ALLOW": "10.0.0.0/8 0.0.0.0/0"}, WARNING, "BOOPER_TARGET_ALLOW"),
        ({"BOOPER_TARGET_ALLOW": "::/0"}, WARNING, "BOOPER_TARGET_ALLOW"),
        (AMQP, NOTE, "BOOPER_PUBLIC_URLS"),
    ],
)
def test_a_setting_that_is_seldom_meant_is_found(environ, level, named):
    [(actual, text)] = levels(environ)
    assert (actual, named in text) == (level, True)


def test_a_demo_key_of_ones_own_may_be_reached_by_others():
    assert levels({"BOOPER_HOST": "0.0.0.0", "BOOPER_DEMO_KEY": "sk_mine_12345"})[0][0] == OK


def test_too_few_files_for_the_slots_are_found(monkeypatch):
    monkeypatch.setattr(resource, "getrlimit", lambda _: (1024, 1024))
    [(level, text)] = levels({})
    assert (level, "1024 files" in text) == (WARNING, True)
