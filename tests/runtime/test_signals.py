"""What handlers of signals may use: each step of it may be interrupted by the same handler."""

import signal
import sys
import threading
import time

import pytest

from runtime.signals import Flag, run_apart
from workers.queue.middleware import StopOnSignal

LIMIT_S = 10


def is_done(work):
    """Whether the work ends: it must not wait for itself."""
    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    thread.join(LIMIT_S)
    return not thread.is_alive()


def interrupted(work, handler):
    """The work, with the handler called before and after each call in it, as signals could have it called."""

    def run():
        sys.setprofile(lambda *_: handler())
        try:
            work()
        finally:
            sys.setprofile(None)

    return run


@pytest.mark.parametrize("work", [Flag.set, lambda flag: flag.wait(LIMIT_S)], ids=["set", "wait"])
def test_a_signal_may_set_a_flag_at_any_step_of_its_thread(work):
    """A ticker that was told to stop twice at one moment did not end: `threading.Event` waited for its own lock."""
    flag = Flag()
    assert is_done(interrupted(lambda: work(flag), flag.set))
    assert flag.is_set()


def test_a_signal_in_the_handler_of_the_same_order_changes_nothing(monkeypatch):
    stops = []
    monkeypatch.setattr("workers.queue.middleware.os._exit", lambda _: stops.append("at once"))
    monkeypatch.setattr("workers.queue.middleware.SAME_SIGNAL_S", 3600)
    handler = StopOnSignal(Delivery(), lambda *_: stops.append("stop"))
    assert is_done(interrupted(lambda: handler(signal.SIGTERM, None), lambda: handler(signal.SIGTERM, None)))
    assert stops == ["stop"]


class Delivery:
    def close(self):
        """Claims nothing more."""


def test_a_flag_wakes_all_that_wait_for_it():
    flag, woken = Flag(), []
    waiting = [
        threading.Thread(target=lambda: woken.append(flag.wait(10 * LIMIT_S)), name=f"waits {n}", daemon=True)
        for n in range(5)
    ]
    for thread in waiting:
        thread.start()
    flag.set()
    for thread in waiting:
        thread.join(LIMIT_S)
    assert woken == [True] * 5


def test_a_flag_keeps_its_limit_where_a_handler_takes_longer():
    """`queue.SimpleQueue.get` then waited without a limit, up to Python 3.12."""
    before = signal.signal(signal.SIGALRM, lambda *_: time.sleep(0.2))
    signal.setitimer(signal.ITIMER_REAL, 0.02)
    try:
        assert not Flag().wait(0.1)
    finally:
        signal.signal(signal.SIGALRM, before)


def test_a_signal_sets_the_flag_for_which_its_thread_waits():
    flag = Flag()
    before = signal.signal(signal.SIGALRM, lambda *_: flag.set())
    signal.setitimer(signal.ITIMER_REAL, 0.02)
    try:
        assert flag.wait(LIMIT_S)
    finally:
        signal.signal(signal.SIGALRM, before)


@pytest.mark.parametrize("limit_s", [0.0, -1.0])
def test_a_flag_that_is_not_set_is_waited_for_no_longer_than_the_limit(limit_s):
    assert not Flag().wait(limit_s)


def test_a_handler_may_run_work_apart_while_its_thread_starts_another():
    """`threading.Thread.start` waited for the lock that its own thread held."""
    done = []

    def handle():
        with threading._active_limbo_lock:
            run_apart(lambda: done.append(True), LIMIT_S)

    thread_count = threading.active_count()
    ended = run_in_raw_thread(handle)
    assert ended.wait(LIMIT_S)
    assert done == [True]
    assert threading.active_count() == thread_count


def run_in_raw_thread(work):
    """Run it in a thread that `threading` does not know; returns a flag that is set at its end."""
    ended = Flag()
    run_apart(lambda: (work(), ended.set()), 0)
    return ended


def test_work_apart_is_waited_for_no_longer_than_the_limit():
    let_go, done = Flag(), Flag()
    run_apart(lambda: (let_go.wait(LIMIT_S), done.set()), 0)
    assert not done.is_set()
    let_go.set()
    assert done.wait(LIMIT_S)
