"""`booper doctor` as a command: what it prints, and its exit code."""

import json

import pytest

from booper import cli, commands
from booper.doctor import diagnosis
from booper.doctor.finding import ERROR, NOTE, OK, WARNING, Finding
from models.database.connection import close_all
from runtime.settings import load

SUBJECTS = {"settings", "database", "broker", "egress", "disk"}
AMQP = {"BOOPER_BROKER_URL": "amqp://127.0.0.1:1", "BOOPER_DATABASE_URL": "postgresql://127.0.0.1:1/n"}


@pytest.fixture
def doctor(monkeypatch, capsys):
    """Runs the command; its exit code and what it printed."""
    monkeypatch.setattr(commands.logs, "configure", lambda _: None)

    def run(*words):
        code = cli.main(["doctor", *words])
        close_all()
        return code, capsys.readouterr().out

    return run


def test_a_first_start_has_no_error_and_leaves_nothing_behind(doctor, tmp_path):
    code, printed = doctor("--data", str(tmp_path), "--json")
    document = json.loads(printed)

    assert code == 0
    assert {finding["subject"] for finding in document["findings"]} == SUBJECTS
    assert document["status"] in (NOTE, WARNING)  # the disk may be small
    assert list(tmp_path.iterdir()) == []


def test_an_installation_whose_services_are_away_ends_with_1(doctor, monkeypatch):
    for name, value in AMQP.items():
        monkeypatch.setenv(name, value)

    code, printed = doctor()

    assert code == 1
    for line in ("ERROR   database: ", "ERROR   broker: ", "ERROR   clocks: "):
        assert line in printed
    assert "-> Is the database up" in printed


def test_wrong_settings_are_a_finding_too(doctor, monkeypatch):
    monkeypatch.setenv("BOOPER_NONSENSE", "1")
    code, printed = doctor("--json")
    [finding] = json.loads(printed)["findings"]
    assert (code, finding["subject"], "BOOPER_NONSENSE" in finding["text"]) == (1, "settings", True)


@pytest.mark.parametrize(("level", "code"), [(OK, 0), (NOTE, 0), (WARNING, 0), (ERROR, 1)])
def test_only_an_error_changes_the_exit_code(level, code, capsys):
    assert diagnosis.show([Finding("a", level, "b", "c")], as_json=False) == code
    assert ("-> c" in capsys.readouterr().out) is (level != OK)


def test_what_is_checked_depends_on_the_mode(tmp_path):
    embedded = diagnosis.checks(load({"BOOPER_DATABASE_URL": f"sqlite:///{tmp_path}/booper.db"}))
    production = diagnosis.checks(load(AMQP))
    (tmp_path / "booper.db").touch()
    with_file = diagnosis.checks(load({"BOOPER_DATABASE_URL": f"sqlite:///{tmp_path}/booper.db"}))
    assert {check.subject for check in embedded} == SUBJECTS
    assert {check.subject for check in with_file} == SUBJECTS | {"processes", "names", "operator"}
    assert {check.subject for check in production} == SUBJECTS | {"clocks", "processes", "names", "operator"}
    assert all(check.trouble for check in production)
