"""A disk that is full never ends a process that counts; at worst its counts are missing from the page."""

import errno
import os
import shutil
import subprocess
import sys

import pytest
from prometheus_client import values

from runtime import metrics_files, metrics_folding
from runtime.metrics_room import FIRST_SIZE, ReservedFile, ReservedOrOwn


@pytest.fixture
def full(monkeypatch):
    """The disk has no more room."""

    def refuse(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "posix_fallocate", refuse)


def test_the_room_of_a_file_is_there_before_it_is_mapped(tmp_path):
    file = ReservedFile(str(tmp_path / "a.db"))
    for number in range(3000):
        file.write_value(f"key {number}", number, 0.0)
    size = os.stat(tmp_path / "a.db")
    assert size.st_blocks * 512 >= size.st_size > FIRST_SIZE
    assert file.read_value("key 2999")[0] == 2999
    assert len(list(ReservedFile.read_all_values_from_file(str(tmp_path / "a.db")))) == 3000


def test_o9_a_process_that_finds_no_room_counts_in_memory_of_its_own(tmp_path, full):
    file = ReservedOrOwn(str(tmp_path / "a.db"))
    for number in range(3000):
        file.write_value(f"key {number}", number, 0.0)
    assert [file.read_value(f"key {number}")[0] for number in (0, 2999)] == [0, 2999]
    file.close()


def test_a_file_that_can_not_grow_goes_on_in_memory_with_all_that_it_had(tmp_path, request):
    file = ReservedOrOwn(str(tmp_path / "a.db"))
    file.write_value("before", 7, 0.0)
    request.getfixturevalue("full")
    for number in range(3000):
        file.write_value(f"key {number}", number, 0.0)
    assert (file.read_value("before")[0], file.read_value("key 2999")[0], file.is_own) == (7, 2999, True)


def test_no_empty_file_is_left_that_a_reader_would_fail_on(tmp_path, full):
    ReservedOrOwn(str(tmp_path / "a.db"))
    assert list(tmp_path.iterdir()) == []


def test_folding_without_room_is_tried_again_and_loses_nothing(tmp_path, request, caplog):
    dead = tmp_path / f"counter_{2**22 - 1}.db"
    file = ReservedFile(str(dead))
    file.write_value("key", 7, 0.0)
    file.close()
    request.getfixturevalue("full")
    metrics_folding.Folding(tmp_path)()
    assert "next try soon" in caplog.text
    assert dead.exists()
    assert not (tmp_path / "counter_past.db").exists()


def test_every_file_of_the_library_is_one_of_ours():
    assert values.MmapedDict is ReservedOrOwn


def test_a_small_memory_disk_is_passed_over(tmp_path, monkeypatch):
    monkeypatch.setattr(metrics_files.shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(1, 1, 65_536))
    monkeypatch.setattr(metrics_files.tempfile, "gettempdir", lambda: str(tmp_path))
    monkeypatch.setenv(metrics_files.VARIABLE, "")
    shared = metrics_files.make_directory()
    assert shared.parent == tmp_path
    metrics_files.remove(shared)


SCRIPT = """
import subprocess, sys
subprocess.run(["mount", "-t", "tmpfs", "-o", "size={size}", "none", "/dev/shm"], check=True)
from runtime import metrics_files
metrics_files.make_directory()
open("/dev/shm/filler", "wb").write(b"") if {room} else None
try:
    with open("/dev/shm/filler", "wb", buffering=0) as filler:
        while True: filler.write(b"0" * 4096)
except OSError: pass
from runtime import metrics
for number in range(2000): metrics.count_request("GET", f"/route/{{number}}", 200, 0.01)
print("lives")
"""


def may_mount():
    tool = shutil.which("unshare")
    return bool(tool) and os.getuid() == 0 and subprocess.run([tool, "--mount", "true"]).returncode == 0


@pytest.mark.skipif(not may_mount(), reason="may not make a mount namespace")
@pytest.mark.parametrize("size", ["64k", "16m"])
def test_o9_a_process_lives_on_a_full_dev_shm(size):
    """The masters of `booper api` and `booper worker` ended by SIGBUS."""
    environment = {name: value for name, value in os.environ.items() if name != metrics_files.VARIABLE}
    script = SCRIPT.format(size=size, room=size == "16m")
    done = subprocess.run(
        ["unshare", "--mount", sys.executable, "-c", script],
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (done.returncode, done.stdout) == (0, "lives\n"), done.stderr
