"""The units of systemd: verified by systemd itself where it is, and held to the command line and the settings."""

import os
import re
import shutil
import subprocess
import sys

import pytest
from psycopg.pq import Conninfo

from booper import cli
from models.database import postgres
from runtime import settings
from tests.support.documents import ROOT

FOLDER = ROOT / "deploy/systemd"
UNITS = sorted(FOLDER.glob("*.service"))
DROP_IN = FOLDER / "tls.conf"
ASK_FOR_KEYS = "booper-api.service", "booper-worker.service"
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


@pytest.fixture
def with_keys(installed):
    """The units of production with the drop-in that gives them their keys."""
    for name in ASK_FOR_KEYS:
        (installed / f"{name}.d").mkdir()
        shutil.copy(DROP_IN, installed / f"{name}.d")
    return installed


@systemd_only
def test_systemd_takes_the_units_with_their_keys_without_a_word(with_keys):
    units = [str(with_keys / name) for name in ASK_FOR_KEYS]
    assert analyze("verify", "--man=no", "--recursive-errors=one", *units, folder=with_keys) == (0, "")


@systemd_only
def test_a_misspelled_line_of_the_keys_would_be_noticed(with_keys):
    place = with_keys / f"{ASK_FOR_KEYS[0]}.d" / DROP_IN.name
    place.write_text(place.read_text().replace("LoadCredential", "LoadKredential"))
    _, printed = analyze("verify", "--man=no", str(with_keys / ASK_FOR_KEYS[0]), folder=with_keys)
    assert "LoadKredential" in printed


def as_systemd_gives_it(credentials):
    """The environment of a unit with the drop-in; its credentials are copied into this folder."""
    loaded = {name for name, _ in (line.split(":") for line in values(DROP_IN, "LoadCredential"))}
    named = dict(line.split("=", 1) for line in values(DROP_IN, "Environment"))
    assert {value.removeprefix("%d/") for value in named.values() if value.startswith("%d/")} == loaded
    return {name: value.replace("%d", str(credentials)) for name, value in named.items()}


def test_the_keys_that_a_unit_is_given_are_those_that_booper_reads(tmp_path):
    environment = as_systemd_gives_it(tmp_path)
    effective = settings.load({name: value for name, value in environment.items() if name.startswith("BOOPER_")})
    assert effective.broker_key_file == str(tmp_path / "broker.key")
    assert effective.broker_cert_file == "/etc/booper/broker.pem"


def test_postgresql_is_shown_the_key_that_a_unit_is_given(tmp_path, monkeypatch):
    for name, value in as_systemd_gives_it(tmp_path).items():
        monkeypatch.setenv(name, value)
    defaults = {each.keyword.decode(): each.val for each in Conninfo.get_defaults()}
    assert defaults["sslkey"] == str(tmp_path / "postgresql.key").encode()
    assert defaults["sslcert"] == b"/etc/booper/postgresql.pem"
    url = "postgresql://booper@db.example/booper"
    assert not {"sslkey", "sslcert"} & postgres.parameters(url, postgres.OF_WORK, "booper").keys()


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
