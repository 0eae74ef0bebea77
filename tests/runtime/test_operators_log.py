"""What an operator reads of what all processes use: for each line its level and each value in it."""

import errno
import os
import shutil

import pytest

from runtime import metrics_files, metrics_folding, metrics_room
from runtime.file_shortage import FileShortage
from tests.support.operators_log import raising, unseen, written


def no_file_is_left_for_a_connection(monkeypatch, tmp_path):
    FileShortage().begin(OSError(errno.EMFILE, "Too many open files"))


def metrics_can_not_be_folded(monkeypatch, tmp_path):
    monkeypatch.setattr(metrics_folding, "fold_dead", raising(OSError("disk")))
    metrics_folding.Folding(tmp_path)()


def memory_is_small(monkeypatch, tmp_path):
    monkeypatch.setattr(metrics_files.shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(1, 1, 65_536))
    monkeypatch.setattr(metrics_files.tempfile, "gettempdir", lambda: "/elsewhere")
    monkeypatch.setattr(metrics_files.os, "access", lambda *_: True)
    metrics_files._base()


def there_is_no_room_for_metrics(monkeypatch, tmp_path):
    memory = metrics_room.own_memory("/dev/shm/counter_1.db", OSError("no room"))
    os.close(int(memory.rpartition("/")[2]))


SITUATIONS = {
    no_file_is_left_for_a_connection: [
        "ERROR no connection can be accepted: Too many open files; those that wait are accepted once files are free. "
        "Raise the limit of open files (ulimit -n, LimitNOFILE of systemd)"
    ],
    metrics_can_not_be_folded: ["WARNING metrics of processes that ended are not added up (disk): next try soon"],
    memory_is_small: ["WARNING /dev/shm has less than 8 MB of room: the metrics are kept in /elsewhere"],
    there_is_no_room_for_metrics: [
        "WARNING no room for metrics in /dev/shm/counter_1.db (no room): from now on this process's are missing from "
        "/metrics"
    ],
}


@pytest.mark.parametrize("situation", SITUATIONS)
def test_the_operator_reads_once_what_happened_with_its_numbers(situation, monkeypatch, tmp_path):
    with written() as lines:
        situation(monkeypatch, tmp_path)

    assert lines == SITUATIONS[situation]


def test_each_line_is_read_in_some_situation():
    assert unseen("runtime/*.py", sum(SITUATIONS.values(), [])) == []
