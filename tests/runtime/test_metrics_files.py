"""The directory in which the metrics of several processes meet, and their page; with real processes."""

import os
import subprocess
import sys
import time
from types import SimpleNamespace

import pytest

from runtime import metrics_files
from tests.support.metrics_pages import totals


def test_the_page_sums_what_all_processes_counted(counting):
    counting(3)
    counting(4)
    assert totals() == [7, 7, 7]


def test_a_page_is_read_again_when_a_process_has_just_made_its_file(counting, shared, monkeypatch):
    counting(5)
    empty = shared / f"counter_{os.getpid()}.db"
    empty.write_bytes(b"")
    clock = SimpleNamespace(monotonic=time.monotonic, sleep=lambda _s: empty.unlink())
    monkeypatch.setattr(metrics_files, "time", clock)

    assert totals()[0] == 5
    assert not empty.exists()


MAKES = "from runtime import metrics_files as m; print(m.make_directory(), flush=True); import sys; sys.stdin.read()"


def test_a_start_removes_what_a_killed_one_left_and_nothing_else(shared):
    """Two commands that live and one that was killed: the next start takes away the last one's directory alone."""
    environment = {name: value for name, value in os.environ.items() if name != metrics_files.VARIABLE}
    makers = [
        subprocess.Popen([sys.executable, "-c", MAKES], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment)
        for _ in range(2)
    ]
    places = [maker.stdout.readline().decode().strip() for maker in makers]
    makers[0].kill()
    makers[0].wait(10)
    third = subprocess.run([sys.executable, "-c", MAKES], input=b"", capture_output=True, env=environment, timeout=30)
    assert [os.path.exists(place) for place in places] == [False, True]
    assert shared.exists()

    makers[1].communicate(timeout=60)
    for place in [places[1], third.stdout.decode().strip()]:
        metrics_files.remove(metrics_files.Path(place))


@pytest.fixture
def base(tmp_path, monkeypatch):
    """The folder in which commands make their directories."""
    (tmp_path / "base").mkdir()
    monkeypatch.setattr(metrics_files.os, "access", lambda *_: False)
    monkeypatch.setattr(metrics_files.tempfile, "gettempdir", lambda: str(tmp_path / "base"))
    monkeypatch.setenv(metrics_files.VARIABLE, "")
    return tmp_path / "base"


def abandoned(path):
    path.mkdir()
    (path / metrics_files.OWNER).write_text("")
    return path


def test_a_start_follows_no_link_to_a_directory_elsewhere(base, tmp_path, monkeypatch):
    """Anybody may make one in /dev/shm."""
    removed, remove = [], metrics_files.remove
    monkeypatch.setattr(metrics_files, "remove", lambda path: removed.append(path.name) or remove(path))
    elsewhere = abandoned(tmp_path / "elsewhere")
    (base / "booper-metrics-link").symlink_to(elsewhere)
    abandoned(base / "booper-metrics-old")

    metrics_files.make_directory()
    assert removed == ["booper-metrics-old"]
    assert (base / "booper-metrics-link").is_symlink()
    assert (elsewhere / metrics_files.OWNER).exists()


def test_a_start_follows_no_link_in_place_of_the_lock(base, tmp_path):
    (tmp_path / "elsewhere").write_text("")
    (base / "booper-metrics-x").mkdir()
    (base / "booper-metrics-x" / metrics_files.OWNER).symlink_to(tmp_path / "elsewhere")
    metrics_files.make_directory()
    assert (base / "booper-metrics-x").exists()


def test_a_start_leaves_the_directory_of_another_user(base, monkeypatch):
    abandoned(base / "booper-metrics-x")
    monkeypatch.setattr(metrics_files.os, "getuid", lambda: os.geteuid() + 1)
    metrics_files.make_directory()
    assert (base / "booper-metrics-x").exists()


def test_a_start_leaves_what_has_no_lock_or_another_name(base):
    (base / "booper-metrics-x").mkdir()
    abandoned(base / "other")
    abandoned(base / ".booper-metrics-begun")
    directory = metrics_files.make_directory()
    names = {"booper-metrics-x", "other", ".booper-metrics-begun", directory.name}
    assert {path.name for path in base.iterdir()} == names
    assert directory.stat().st_mode & 0o777 == 0o700


def test_a_start_leaves_no_file_open_but_the_lock_of_its_own_directory(base):
    before = set(os.listdir("/proc/self/fd"))
    owned = metrics_files.make_directory()
    own = set(os.listdir("/proc/self/fd")) - before
    for number in range(3):
        abandoned(base / f"booper-metrics-{number}")
        metrics_files._remove_if_abandoned(base / f"booper-metrics-{number}")
        metrics_files._remove_if_abandoned(owned)

    assert owned.exists()
    assert set(os.listdir("/proc/self/fd")) - before == own


BECOMES = (
    "import os, sys; from runtime import metrics_files as m; m.make_directory()\n"
    "os.execv(sys.executable, [sys.executable, '-c', 'import os, sys; print(os.environ[sys.argv[1]], flush=True); "
    "sys.stdin.read()', m.VARIABLE])"
)


def test_a_directory_belongs_to_the_program_that_its_owner_became(shared):
    """`booper api` becomes gunicorn."""
    owner = subprocess.Popen([sys.executable, "-c", BECOMES], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    directory = metrics_files.Path(owner.stdout.readline().decode().strip())
    metrics_files._remove_if_abandoned(directory)
    assert directory.is_dir()

    owner.communicate(timeout=10)
    metrics_files._remove_if_abandoned(directory)
    assert not directory.exists()
