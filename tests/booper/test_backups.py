"""`booper backup` and `booper restore`: copies of a database in use, checked, and nothing overwritten."""

import sqlite3
import stat
import subprocess
import sys
from contextlib import closing, contextmanager

import pytest

from booper import backups, cli, commands
from models.database import sqlite_file
from models.database.connection import close_all
from models.jobs.job_tables import Job
from tests.support.rows import make_job

pytestmark = pytest.mark.parametrize("db", ["sqlite"], indirect=True)


@pytest.fixture
def booper(monkeypatch, capsys, tmp_path, db):
    """Runs a command on the database of the test; its exit code and what it printed."""
    monkeypatch.setattr(commands.logs, "configure", lambda _: None)
    monkeypatch.setenv("BOOPER_DATABASE_URL", f"sqlite:///{tmp_path}/test.db")

    def run(*words):
        close_all()
        code = cli.main(words)
        printed = capsys.readouterr()
        return code, printed.out + printed.err

    return run


def jobs_in(file):
    with closing(sqlite3.connect(file)) as opened:
        return opened.execute("SELECT count(*) FROM job").fetchone()[0]


def test_a_backup_of_a_database_in_use_holds_what_was_committed(account, booper, tmp_path):
    make_job(account)
    with closing(sqlite3.connect(tmp_path / "test.db", isolation_level=None)) as writer:
        writer.execute("BEGIN IMMEDIATE")
        writer.execute("DELETE FROM job")

        code, printed = booper("backup", str(tmp_path / "copy.db"))

        writer.execute("ROLLBACK")
    assert (code, jobs_in(tmp_path / "copy.db")) == (0, 1), printed
    assert sqlite_file.problems(tmp_path / "copy.db") == []
    assert stat.S_IMODE((tmp_path / "copy.db").stat().st_mode) == 0o600
    assert [path.name for path in tmp_path.glob("copy.db?*")] == []


def test_a_copy_that_fails_leaves_nothing_behind(account, booper, tmp_path, monkeypatch):
    def fail(_source, _target):
        raise sqlite3.OperationalError("disk I/O error")

    monkeypatch.setattr(sqlite_file, "copy", fail)

    code, printed = booper("backup", str(tmp_path / "copy.db"))

    assert (code, "disk I/O error" in printed) == (1, True)
    assert list(tmp_path.glob("copy.db*")) == []


def test_a_copy_is_on_the_disk_before_it_gets_its_name(account, booper, tmp_path, monkeypatch):
    flushed = []

    def flush(file):
        flushed.append((file, jobs_in(file), (tmp_path / "copy.db").exists()))

    make_job(account)
    monkeypatch.setattr(backups, "_flush", flush)

    assert booper("backup", str(tmp_path / "copy.db"))[0] == 0
    assert flushed == [(tmp_path / "copy.db.partial", 1, False)]


def test_a_backup_overwrites_nothing(account, booper, tmp_path):
    (tmp_path / "copy.db").write_text("mine")
    code, printed = booper("backup", str(tmp_path / "copy.db"))
    assert (code, "exists already" in printed, (tmp_path / "copy.db").read_text()) == (1, True, "mine")


def test_a_backup_of_nothing_is_refused(account, booper, tmp_path, monkeypatch):
    monkeypatch.setenv("BOOPER_DATABASE_URL", f"sqlite:///{tmp_path}/other/booper.db")
    code, printed = booper("backup", str(tmp_path / "copy.db"))
    assert (code, "--data" in printed, (tmp_path / "copy.db").exists()) == (1, True, False)


def test_a_backup_into_a_folder_that_is_missing_is_refused_in_a_line(account, booper, tmp_path):
    code, printed = booper("backup", str(tmp_path / "missing" / "copy.db"))
    assert (code, printed.startswith("booper: ")) == (1, True)


def test_a_restored_database_holds_what_the_backup_held_and_the_other_is_kept(account, booper, tmp_path):
    make_job(account)
    booper("backup", str(tmp_path / "copy.db"))
    make_job(account)

    code, printed = booper("restore", str(tmp_path / "copy.db"))

    [kept] = tmp_path.glob("test.db.before-*Z")
    assert (code, jobs_in(tmp_path / "test.db"), jobs_in(kept)) == (0, 1, 2), printed
    assert str(kept) in printed
    assert "BOOPER_HOLD=on" in printed
    assert jobs_in(tmp_path / "copy.db") == 1


def unreadable(path):
    path.write_bytes(b"x" * 8192)


def emptied(path):
    path.write_bytes(b"")


@pytest.mark.parametrize("spoil", [lambda _path: None, unreadable, emptied], ids=["sound", "unreadable", "empty"])
@pytest.mark.parametrize("suffix", ["-wal", "-shm", "-journal"])
def test_what_sqlite_keeps_beside_a_database_is_put_aside_with_it_as_it_was(account, booper, tmp_path, suffix, spoil):
    booper("backup", str(tmp_path / "copy.db"))
    spoil(tmp_path / "test.db")
    before = (tmp_path / "test.db").read_bytes()
    (tmp_path / f"test.db{suffix}").write_bytes(b"of the one before")

    code, printed = booper("restore", str(tmp_path / "copy.db"))

    [kept] = tmp_path.glob("test.db.before-*Z")
    assert (code, kept.read_bytes() == before) == (0, True), printed
    assert kept.with_name(kept.name + suffix).read_bytes() == b"of the one before"
    assert not (tmp_path / f"test.db{suffix}").exists()


def test_a_database_that_was_not_closed_is_kept_with_its_last_commits(account, booper, tmp_path):
    booper("backup", str(tmp_path / "copy.db"))
    make_job(account)
    files = [tmp_path / "test.db", tmp_path / "test.db-wal"]
    before = [file.read_bytes() for file in files]
    close_all()
    for file, content in zip(files, before, strict=True):
        file.write_bytes(content)

    booper("restore", str(tmp_path / "copy.db"))

    [kept] = tmp_path.glob("test.db.before-*Z")
    assert [file.read_bytes() for file in (kept, kept.with_name(f"{kept.name}-wal"))] == before
    assert (jobs_in(kept), jobs_in(tmp_path / "test.db")) == (1, 0)


def test_a_wal_that_lost_its_database_is_put_aside_too(account, booper, tmp_path):
    booper("backup", str(tmp_path / "copy.db"))
    (tmp_path / "test.db").unlink()
    (tmp_path / "test.db-wal").write_bytes(b"of the one before")

    _, printed = booper("restore", str(tmp_path / "copy.db"))

    [kept] = tmp_path.glob("test.db.before-*Z-wal")
    assert kept.read_bytes() == b"of the one before"
    assert kept.name.removesuffix("-wal") in printed


def test_a_second_restore_within_a_second_replaces_nothing_that_was_kept(account, booper, tmp_path, moved_clock):
    booper("backup", str(tmp_path / "copy.db"))
    make_job(account)
    booper("restore", str(tmp_path / "copy.db"))

    again, printed = booper("restore", str(tmp_path / "copy.db"))
    moved_clock.advance(seconds=1)
    later, _ = booper("restore", str(tmp_path / "copy.db"))

    assert (again, "exists already: restore again in a second" in printed, later) == (1, True, 0)
    assert [jobs_in(kept) for kept in sorted(tmp_path.glob("test.db.before-*Z"))] == [1, 0]


READS = """
import sqlite3, sys

opened = sqlite3.connect(sys.argv[1])
opened.execute("SELECT count(*) FROM job").fetchall()
print("open", flush=True)
sys.stdin.read()
"""


@contextmanager
def in_use(file):
    """Another process has the file open, and does nothing with it."""
    words = [sys.executable, "-c", READS, str(file)]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as running:
        assert running.stdout.readline()
        yield


def test_a_database_in_use_is_not_replaced(account, booper, tmp_path):
    booper("backup", str(tmp_path / "copy.db"))

    with in_use(tmp_path / "test.db"):
        code, printed = booper("restore", str(tmp_path / "copy.db"))

    assert (code, "is in use: stop Booper first" in printed) == (1, True)
    assert list(tmp_path.glob("test.db.before*")) == []


def test_a_restore_makes_a_database_where_there_was_none(account, booper, tmp_path, monkeypatch):
    make_job(account)
    booper("backup", str(tmp_path / "copy.db"))
    monkeypatch.delenv("BOOPER_DATABASE_URL")

    code, _ = booper("restore", str(tmp_path / "copy.db"), "--data", str(tmp_path / "new"))

    assert (code, jobs_in(tmp_path / "new/booper.db")) == (0, 1)


def damaged(path):
    with path.open("r+b") as opened:
        opened.seek(4096)
        opened.write(b"\xff" * 40_960)


def foreign(path):
    path.unlink()
    with closing(sqlite3.connect(path)) as other:
        other.execute("CREATE TABLE theirs (id)")


@pytest.mark.parametrize(
    ("spoil", "complaint"),
    [
        (damaged, "is damaged"),
        (foreign, "is no database of Booper"),
        (unreadable, "copy.db"),
        (lambda path: path.unlink(), "is no file"),
    ],
    ids=["damaged", "foreign", "no database", "missing"],
)
def test_what_is_no_sound_backup_is_refused_and_nothing_changes(account, booper, tmp_path, spoil, complaint):
    booper("backup", str(tmp_path / "copy.db"))
    spoil(tmp_path / "copy.db")

    code, printed = booper("restore", str(tmp_path / "copy.db"))

    assert (code, complaint in printed) == (1, True), printed
    assert Job.select().count() == 0
    assert list(tmp_path.glob("test.db.before*")) == []


def test_a_damaged_database_can_be_replaced(account, booper, tmp_path):
    make_job(account)
    booper("backup", str(tmp_path / "copy.db"))
    unreadable(tmp_path / "test.db")

    assert booper("restore", str(tmp_path / "copy.db"))[0] == 0
    assert jobs_in(tmp_path / "test.db") == 1


@pytest.mark.parametrize(("command", "program"), [("backup", "pg_dump"), ("restore", "pg_restore")])
def test_for_postgresql_its_own_programs_are_named(account, booper, monkeypatch, command, program):
    monkeypatch.setenv("BOOPER_DATABASE_URL", "postgresql://h/n")
    code, printed = booper(command, "copy.db")
    assert (code, program in printed) == (1, True)
