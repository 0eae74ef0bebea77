"""Where the metrics of several processes meet, with real processes that count, end and are killed."""

import os
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
