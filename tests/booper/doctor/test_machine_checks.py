"""Files, disks, names and the way out: sound and broken ones."""

import shutil
import sqlite3
from collections import namedtuple

import pytest

from booper.doctor import egress_checks, sqlite_checks
from booper.doctor.finding import ERROR, NOTE, OK, WARNING
from runtime.settings import load
from tests.support.receivers import RecordingReceiver
from tests.support.rows import make_job

MIB = sqlite_checks.MIB
Usage = namedtuple("Usage", "total used free")


def settings_of(path, **environ):
    return load({"BOOPER_DATABASE_URL": f"sqlite:///{path}"} | environ)


def levels(findings):
    return [finding.level for finding in findings]


@pytest.fixture
def file(sqlite_file, tmp_path):
    return shutil.copy(sqlite_file, tmp_path / "booper.db")


@pytest.mark.parametrize("db", ["sqlite"], indirect=True)
def test_a_sound_file_is_fine(db, tmp_path):
    assert levels(sqlite_checks.check_sqlite(tmp_path / "test.db")) == [OK]


@pytest.mark.parametrize("db", ["sqlite"], indirect=True)
@pytest.mark.parametrize(("size", "shown"), [(1024 * MIB, [OK]), (1025 * MIB, [OK, WARNING])])
def test_a_log_of_sqlite_that_grows_is_found(db, tmp_path, monkeypatch, size, shown):
    monkeypatch.setattr(sqlite_checks.sqlite_file, "problems", lambda _: [])  # which would empty it
    (tmp_path / "other.db").touch()
    with (tmp_path / "other.db-wal").open("wb") as log:
        log.truncate(size)

    findings = list(sqlite_checks.check_sqlite(tmp_path / "other.db"))

    assert levels(findings) == shown
    assert ("other.db-wal has 1025 MiB" in findings[-1].text) is (WARNING in shown)


def test_a_file_that_is_not_there_yet_is_no_error_and_is_not_made(tmp_path):
    [finding] = sqlite_checks.check_sqlite(tmp_path / "booper.db")
    assert (finding.level, list(tmp_path.iterdir())) == (NOTE, [])


def test_a_damaged_file_is_an_error(file):
    with file.open("r+b") as opened:
        opened.seek(4096)
        opened.write(b"\xff" * 40_960)
    [finding] = sqlite_checks.check_sqlite(file)
    assert (finding.level, "damaged" in finding.text, "restore" in finding.advice) == (ERROR, True, True)


def test_what_is_no_database_is_an_error(file):
    file.write_bytes(b"x" * 8192)
    [finding] = sqlite_checks.check_sqlite(file)
    assert finding.level == ERROR


@pytest.mark.parametrize(("free", "level"), [(2000 * MIB, OK), (500 * MIB, WARNING), (50 * MIB, ERROR)])
def test_little_room_is_found(file, monkeypatch, free, level):
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(10_000 * MIB, 0, free))
    assert levels(sqlite_checks.check_disks(settings_of(file))) == [level, level]


def test_without_a_target_nothing_is_sent():
    assert levels(egress_checks.check_egress(load({}), [])) == [NOTE]


@pytest.fixture
def receiver():
    receiver = RecordingReceiver()
    receiver.start()
    yield receiver
    receiver.stop()


def test_a_target_that_answers_is_fine_whatever_it_answers(receiver):
    """This one knows no HEAD."""
    [finding] = egress_checks.check_egress(load({}), [receiver.url, receiver.url])
    assert (finding.level, "answered 501" in finding.text) == (OK, True)


@pytest.mark.parametrize(
    ("environ", "url", "named"),
    [
        ({}, "http://127.0.0.1:1/", "connect"),
        ({"BOOPER_TARGET_ALLOW": ""}, "http://127.0.0.1:1/", "blocked_address"),
        ({}, "http://127.0.0.1:8000/", "blocked"),
        ({}, "nonsense", "blocked_url"),
    ],
)
def test_a_target_that_jobs_could_not_reach_is_an_error(environ, url, named):
    [finding] = egress_checks.check_egress(load(environ), [url])
    assert (finding.level, named in finding.text, finding.advice != "") == (ERROR, True, True)


def test_the_hosts_of_the_latest_jobs_are_looked_up(account, monkeypatch):
    def look_up(host, _port):
        if host == "gone.example":
            raise OSError("no such name")
        return ["203.0.113.7"]

    monkeypatch.setattr(egress_checks, "system_lookup", look_up)
    make_job(account, host="gone.example")
    make_job(account, host="there.example")

    findings = list(egress_checks.check_names())

    assert [(finding.level, finding.text.partition(" ")[0]) for finding in findings] == [
        (OK, "there.example"),
        (WARNING, "gone.example"),
    ]


def test_of_many_addresses_of_a_name_the_first_three_are_named(account, monkeypatch):
    addresses = [f"203.0.113.{number}" for number in range(1, 6)]
    monkeypatch.setattr(egress_checks, "system_lookup", lambda *_: addresses)
    make_job(account, host="many.example")

    [finding] = egress_checks.check_names()

    assert finding.text == "many.example is 203.0.113.1, 203.0.113.2, 203.0.113.3"


def test_without_jobs_no_name_is_looked_up(db):
    assert levels(egress_checks.check_names()) == [NOTE]


def test_a_file_that_is_being_written_to_can_be_examined(file):
    with sqlite3.connect(file) as writer:
        writer.execute("BEGIN IMMEDIATE")
        assert sqlite_checks.sqlite_file.problems(file) == []
    writer.close()
