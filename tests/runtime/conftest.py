"""Fixtures of the tests of metrics: a directory that processes share, and processes that count."""

import os
import subprocess
import sys
import textwrap

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
    directory = metrics_files.make_directory()
    yield directory
    os.environ.pop(metrics_files.VARIABLE)
    metrics_files.remove(directory)


@pytest.fixture
def counting(shared):
    """Starts a process that counts to a number and then waits until it is killed."""
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
