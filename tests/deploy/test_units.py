"""The units of systemd: verified by systemd itself where it is, and held to the command line and the settings."""

import os
import re
import shutil
import subprocess
import sys

import pytest

from booper import cli
from runtime import settings
from tests.support.documents import ROOT

FOLDER = ROOT / "deploy/systemd"
UNITS = sorted(FOLDER.glob("*.service"))
PROGRAM = "/opt/booper/bin/booper"
MOST_EXPOSED = "2.0"  # of ten, as `systemd-analyze security` counts
systemd_only = pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd-analyze is not installed")


def values(unit, name):
    return re.findall(rf"^{name}=(.*)$", unit.read_text(), re.MULTILINE)


@pytest.fixture
def installed(tmp_path):
    """The units, as they are where the program is."""
    program = str(shutil.which("booper", path=os.path.dirname(sys.executable)) or sys.executable)
    for unit in UNITS:
        (tmp_path / unit.name).write_text(unit.read_text().replace(PROGRAM, program))
    return tmp_path


def analyze(*words, folder):
    environment = os.environ | {"SYSTEMD_UNIT_PATH": f"{folder}:"}
    run = subprocess.run(["systemd-analyze", *words], env=environment, capture_output=True, text=True, timeout=60)
    return run.returncode, run.stdout + run.stderr


@systemd_only
def test_systemd_takes_every_unit_without_a_word(installed):
    units = [str(installed / unit.name) for unit in UNITS]
    assert analyze("verify", "--man=no", "--recursive-errors=one", *units, folder=installed) == (0, "")


@systemd_only
def test_a_misspelled_line_would_be_noticed(installed):
    (installed / UNITS[0].name).write_text(UNITS[0].read_text().replace("DynamicUser", "DynamikUser"))
    _, printed = analyze("verify", "--man=no", str(installed / UNITS[0].name), folder=installed)
    assert "DynamikUser" in printed


@systemd_only
@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.stem)
def test_a_unit_may_do_little(unit, installed):
    words = "security", "--offline=true", "--no-pager", f"--threshold={MOST_EXPOSED.replace('.', '')}"
    code, printed = analyze(*words, str(installed / unit.name), folder=installed)
    assert code == 0, printed


def test_each_unit_runs_a_command_that_the_program_takes():
    commands = {}
    for unit in UNITS:
        for line in values(unit, "ExecStart") + values(unit, "ExecStartPre"):
            program, _, words = line.partition(" ")
            assert program == PROGRAM
            commands[cli.parser().parse_args(words.split()).command] = unit.name
    assert set(commands) == {"serve", "api", "migrate", "worker"}


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.stem)
def test_a_stopping_process_gets_longer_than_its_own_grace(unit):
    effective = settings.load({})
    [limit] = values(unit, "TimeoutStopSec")
    assert int(limit) > effective.shutdown_grace_s + effective.stop_delay_s
    assert values(unit, "Restart") == ["always"]


def test_every_variable_of_the_sample_is_a_setting_and_the_demo_key_is_off():
    lines = re.findall(r"^#?([A-Z_]+)=(.*)$", (FOLDER / "booper.env").read_text(), re.MULTILINE)
    effective = settings.load(dict(lines))
    assert (effective.embedded, effective.demo_key) == (False, "")
    in_force = dict(re.findall(r"^([A-Z_]+)=(.*)$", (FOLDER / "booper.env").read_text(), re.MULTILINE))
    assert (settings.load(in_force).embedded, settings.load(in_force).demo_key) == (True, "")


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.stem)
def test_systemd_waits_for_a_sign_of_life_of_each_unit(unit):
    assert values(unit, "Type") == ["notify"]
    assert int(values(unit, "WatchdogSec")[0]) >= 30
