"""Owns the signals of a test that has code set handlers in the process of the tests."""

import contextlib
import signal

ORDERS = (signal.SIGTERM, signal.SIGINT)


def refuse(signum, _frame):
    raise AssertionError(f"nothing handles {signal.Signals(signum).name}")


@contextlib.contextmanager
def handlers_put_back():
    """An order to stop fails the test, unless the code under test handles it; the handlers are put back at the end."""
    before = {signum: signal.signal(signum, refuse) for signum in ORDERS}
    try:
        yield
    finally:
        for signum, handler in before.items():
            signal.signal(signum, handler)
