"""Compares what the commands of `booper` print with the texts in the folder recorded; see tests/support/recorded.py."""

from pathlib import Path

from tests.support.recorded import Recorded
from tests.support.scenes import commands, doctor, server_commands
from tests.support.scenes.history import NORTH
from tests.support.scenes.scene import Scene
from tests.support.scenes.shell import Shell

RECORDED = Recorded(Path(__file__).with_name("recorded"))
NAMES = ("client_commands", "server_commands", "doctor")


def test_the_client_prints_what_is_recorded(db, moved_clock, monkeypatch, tmp_path_factory, capsys):
    scene = Scene(monkeypatch, moved_clock, **NORTH)
    folder = tmp_path_factory.mktemp("client")

    commands.play(scene, lambda caller: Shell(scene, caller, folder, capsys))

    RECORDED.compare("client_commands", scene.texts()["client_commands"])


def test_the_server_s_commands_print_what_is_recorded(moved_clock, monkeypatch, tmp_path, capsys):
    scene = Scene(monkeypatch, moved_clock)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "120")

    server_commands.play(scene, server_commands.ServerShell(scene, capsys))

    RECORDED.compare("server_commands", scene.texts()["server_commands"].replace(str(tmp_path), "FOLDER"))


def test_the_doctor_finds_what_is_recorded(db, moved_clock, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)  # `make run` leaves a booper.db in the working directory
    scene = Scene(monkeypatch, moved_clock)

    doctor.play(scene)

    RECORDED.compare("doctor", scene.texts()["doctor"])


def test_each_recorded_text_is_compared_with_something():
    RECORDED.are_exactly(NAMES)
