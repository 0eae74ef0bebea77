"""What processes that ended had counted is added up; with real processes that count, end and are killed."""

import fcntl
import struct

import pytest

from runtime import metrics_files, metrics_folding
from tests.support.metrics_pages import sample, totals


def kill(process):
    process.kill()
    process.wait(10)


def test_what_a_dead_process_counted_stays_and_its_gauges_go(counting, shared):
    counting(3)
    kill(counting(4))
    metrics_folding.fold_dead(shared)
    assert totals() == [7, 7, 3]
    assert sample("booper_ticker_last_round_timestamp_seconds") == 4


def test_of_instants_the_latest_stays_whatever_process_ends_last(counting, shared):
    for instant in (4, 9, 6):
        kill(counting(instant))
        metrics_folding.fold_dead(shared)
    assert sample("booper_ticker_last_round_timestamp_seconds") == 9


def test_files_do_not_gather_however_many_processes_die(counting, shared):
    sizes = []
    for _ in range(3):
        kill(counting(2))
        metrics_folding.fold_dead(shared)
        sizes.append(sorted(path.name for path in shared.iterdir()))
    assert totals()[:2] == [6, 6]
    assert sizes[0] == sizes[1] == sizes[2]


def test_folding_twice_counts_once(counting, shared):
    kill(counting(2))
    metrics_folding.fold_dead(shared)
    metrics_folding.fold_dead(shared)
    assert totals()[0] == 2


def test_a_file_that_a_killed_process_left_empty_harms_nobody(counting, shared):
    counting(1)
    dead = counting(1)
    kill(dead)
    (shared / f"counter_{dead.pid}.db").write_bytes(b"")
    metrics_folding.fold_dead(shared)
    assert totals()[0] == 1


def test_what_a_killed_fold_left_unfinished_counts_nowhere(counting, shared):
    """The process was killed between the adding up and the renaming; the next fold adds up the same files."""
    dead = counting(2)
    kill(dead)
    for kind in ("counter", "histogram"):
        (shared / f"{kind}_past.new").write_bytes((shared / f"{kind}_{dead.pid}.db").read_bytes())

    metrics_folding.fold_dead(shared)

    assert totals()[:2] == [2, 2]


def test_a_reader_that_stands_still_holds_up_nobody_for_long(counting, shared, monkeypatch):
    """It holds the lock on the directory; the fold is left for the next time."""
    monkeypatch.setattr(metrics_files, "LOCK_LIMIT_S", 0.05)
    dead = counting(2)
    kill(dead)

    with metrics_files.locked(shared, fcntl.LOCK_SH):
        metrics_folding.fold_dead(shared)
    assert list(shared.glob(f"*_{dead.pid}.db"))
    assert totals()[0] == 2

    metrics_folding.fold_dead(shared)
    assert totals()[0] == 2
    assert not list(shared.glob(f"*_{dead.pid}.db"))


@pytest.mark.parametrize(("error", "folded"), [(None, False), (PermissionError, False), (ProcessLookupError, True)])
def test_the_counts_of_another_users_process_are_left_to_it(error, folded, shared, monkeypatch):
    """The system refuses to signal it: it lives."""

    def signal(_number, _signum):
        if error:
            raise error

    file = shared / "counter_4711.db"
    file.write_bytes(b"")
    monkeypatch.setattr(metrics_folding.os, "kill", signal)
    metrics_folding.fold_dead(shared)
    assert file.exists() is not folded


@pytest.fixture
def folding(tmp_path, monkeypatch):
    """A Folding on a clock of its own, and how often it folded; `fold` is what a fold does."""
    seconds, folds = [100.0], []
    monkeypatch.setattr(metrics_folding.time, "monotonic", lambda: seconds[0])
    monkeypatch.setattr(metrics_folding, "fold_dead", folds.append)
    folding = metrics_folding.Folding(tmp_path)
    folding.seconds, folding.folds = seconds, folds
    return folding


def test_folding_keeps_its_own_pace_however_often_it_is_called(folding):
    for _ in range(20):
        folding()
        folding.seconds[0] += 0.25
    assert len(folding.folds) == 3


@pytest.mark.parametrize("error", [OSError("disk"), ValueError("bad"), struct.error("short")])
def test_a_fold_that_fails_is_logged_and_tried_again(error, folding, monkeypatch, caplog):
    def fail(_shared):
        folding.folds.append("failed")
        raise error

    monkeypatch.setattr(metrics_folding, "fold_dead", fail)
    for _ in range(2):
        folding()
        folding.seconds[0] += metrics_folding.FOLD_EVERY_S
    assert folding.folds == ["failed"] * 2
    assert f"are not added up ({error}): next try soon" in caplog.text
