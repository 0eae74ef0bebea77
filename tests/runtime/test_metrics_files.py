"""Where the metrics of several processes meet, with real processes that count, end and are killed."""

import os
import struct
import subprocess
import sys
import textwrap
import time

import pytest

from runtime import metrics_files

COUNTS = textwrap.dedent(
    """
    import sys
    from runtime import metrics
    metrics.JOBS.labels("claimed").inc(int(sys.argv[1]))
    metrics.LATENESS.observe_all([0.002] * int(sys.argv[1]))
    metrics.SLOTS_IN_USE.set(int(sys.argv[1]))
    metrics.TICKER_AT.set(int(sys.argv[1]))
    print("counted", flush=True)
    sys.stdin.read()
    """
)


@pytest.fixture
def shared(monkeypatch):
    monkeypatch.delenv(metrics_files.VARIABLE, raising=False)
    made = metrics_files.make_directory()
    yield made
    os.environ.pop(metrics_files.VARIABLE)
    metrics_files.remove(made)


@pytest.fixture
def counting(shared):
    """Starts a process that counts so many and stays until it is killed or told to end."""
    started = []

    def start(number):
        process = subprocess.Popen(
            [sys.executable, "-c", COUNTS, str(number)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        started.append(process)
        assert process.stdout.readline() == b"counted\n"
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate(timeout=10)


def kill(process):
    process.kill()
    process.wait(10)


def shown(name):
    """The value of a sample on the page; None when it isn't there."""
    lines = [line.rpartition(" ") for line in metrics_files.page().decode().splitlines() if line.startswith(name + " ")]
    return float(lines[0][2]) if lines else None


def totals():
    names = ['booper_jobs_total{transition="claimed"}', 'booper_lateness_seconds_bucket{le="0.0025"}']
    return [shown(name) for name in [*names, "booper_sender_slots_in_use"]]


def test_the_page_sums_what_all_processes_counted(counting):
    counting(3)
    counting(4)
    assert totals() == [7, 7, 7]


def test_what_a_dead_process_counted_stays_and_its_gauges_go(counting, shared):
    counting(3)
    kill(counting(4))
    metrics_files.fold_dead(shared)
    assert totals() == [7, 7, 3]
    assert shown("booper_ticker_last_round_timestamp_seconds") == 4


def test_of_instants_the_latest_stays_whatever_process_ends_last(counting, shared):
    for instant in (4, 9, 6):
        kill(counting(instant))
        metrics_files.fold_dead(shared)
    assert shown("booper_ticker_last_round_timestamp_seconds") == 9


def test_files_do_not_gather_however_many_processes_die(counting, shared):
    sizes = []
    for _ in range(3):
        kill(counting(2))
        metrics_files.fold_dead(shared)
        sizes.append(sorted(path.name for path in shared.iterdir()))
    assert totals()[:2] == [6, 6]
    assert sizes[0] == sizes[1] == sizes[2]


def test_folding_twice_counts_once(counting, shared):
    kill(counting(2))
    metrics_files.fold_dead(shared)
    metrics_files.fold_dead(shared)
    assert totals()[0] == 2


def test_a_file_that_a_killed_process_left_empty_harms_nobody(counting, shared):
    counting(1)
    dead = counting(1)
    kill(dead)
    (shared / f"counter_{dead.pid}.db").write_bytes(b"")
    metrics_files.fold_dead(shared)
    assert totals()[0] == 1


def test_a_page_is_given_although_a_process_has_just_made_its_file(counting, shared):
    counting(5)
    new = shared / f"counter_{os.getpid()}.db"
    new.write_bytes(b"")
    subprocess.Popen([sys.executable, "-c", f"import os, time; time.sleep(0.01); os.remove({str(new)!r})"]).wait(10)
    assert totals()[0] == 5


def test_a_reader_that_stands_still_holds_up_nobody_for_long(counting, shared):
    """It holds the lock on the directory; the fold is left for the next time."""
    dead = counting(2)
    kill(dead)
    began = time.monotonic()
    with metrics_files._locked(shared, metrics_files.fcntl.LOCK_SH):
        metrics_files.fold_dead(shared)
    assert time.monotonic() - began < metrics_files.LOCK_LIMIT_S * 3
    assert totals()[0] == 2
    metrics_files.fold_dead(shared)
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
    monkeypatch.setattr(metrics_files.os, "kill", signal)
    metrics_files.fold_dead(shared)
    assert file.exists() is not folded


MAKES = "from runtime import metrics_files as m; print(m.make_directory(), flush=True); import sys; sys.stdin.read()"


def test_a_start_removes_what_a_killed_one_left_and_nothing_else(shared):
    """Two commands that live and one that was killed: the next start takes away the last one's directory alone."""
    environment = {name: value for name, value in os.environ.items() if name != metrics_files.VARIABLE}
    makers = [
        subprocess.Popen([sys.executable, "-c", MAKES], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment)
        for _ in range(2)
    ]
    places = [maker.stdout.readline().decode().strip() for maker in makers]
    kill(makers[0])
    third = subprocess.run([sys.executable, "-c", MAKES], input=b"", capture_output=True, env=environment, timeout=30)
    assert [os.path.exists(place) for place in places] == [False, True]
    assert shared.exists()
    makers[1].communicate(timeout=10)
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
    made = metrics_files.make_directory()
    names = {"booper-metrics-x", "other", ".booper-metrics-begun", made.name}
    assert {path.name for path in base.iterdir()} == names
    assert made.stat().st_mode & 0o777 == 0o700


@pytest.fixture
def folding(tmp_path, monkeypatch):
    """A Folding on a clock of its own, and how often it folded; `fold` is what a fold does."""
    seconds, folds = [100.0], []
    monkeypatch.setattr(metrics_files.time, "monotonic", lambda: seconds[0])
    monkeypatch.setattr(metrics_files, "fold_dead", folds.append)
    folding = metrics_files.Folding(tmp_path)
    folding.seconds, folding.folds = seconds, folds
    return folding


def test_folding_keeps_its_own_pace_however_often_it_is_called(folding):
    for _ in range(20):
        folding()
        folding.seconds[0] += 0.25
    assert len(folding.folds) == 3


@pytest.mark.parametrize("error", [OSError("disk"), ValueError("bad"), struct.error("short")])
def test_a_fold_that_fails_is_told_and_tried_again(error, folding, monkeypatch, caplog):
    def fail(_shared):
        folding.folds.append("failed")
        raise error

    monkeypatch.setattr(metrics_files, "fold_dead", fail)
    for _ in range(2):
        folding()
        folding.seconds[0] += metrics_files.FOLD_EVERY_S
    assert folding.folds == ["failed"] * 2
    assert f"are not added up ({error}): next try soon" in caplog.text


BECOMES = (
    "import os, sys; from runtime import metrics_files as m; m.make_directory()\n"
    "os.execv(sys.executable, [sys.executable, '-c', 'import os, sys; print(os.environ[sys.argv[1]], flush=True); "
    "sys.stdin.read()', m.VARIABLE])"
)


def test_a_directory_belongs_to_the_program_that_its_owner_became(shared):
    """`booper api` becomes gunicorn."""
    owner = subprocess.Popen([sys.executable, "-c", BECOMES], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    made = metrics_files.Path(owner.stdout.readline().decode().strip())
    metrics_files._remove_if_abandoned(made)
    assert made.is_dir()

    owner.communicate(timeout=10)
    metrics_files._remove_if_abandoned(made)
    assert not made.exists()
