"""A log page that stays open keeps nobody from stopping: its live tail ends at once."""

import re
import signal
import threading

import pytest
import requests

pytestmark = pytest.mark.journey
LOOKS_OF_A_WHOLE_TAIL = 25  # one a second, unless the server ends it


class OpenLog:
    """A browser that is signed in and reads a live tail, in a thread, until the server ends it."""

    def __init__(self, product):
        self.base, self.looks, self.began = f"http://127.0.0.1:{product.port}", 0, threading.Event()
        self.session = requests.Session()
        token = re.search('name="csrf" value="([^"]+)"', self.session.get(f"{self.base}/sign-in", timeout=10).text)[1]
        self.session.post(f"{self.base}/sign-in", {"csrf": token, "key": product.key}, timeout=10)
        self.thread = threading.Thread(target=self.read)
        self.thread.start()
        assert self.began.wait(20)

    def read(self):
        with self.session.get(f"{self.base}/logs/stream", stream=True, timeout=60) as answer:
            for line in answer.iter_lines():
                self.looks += line.startswith(b"id: ")
                if self.looks:
                    self.began.set()

    def ended_after(self):
        """How many looks it brought in all."""
        self.thread.join(60)
        return self.looks


def test_an_open_log_page_does_not_keep_either_mode_from_stopping(either_mode):
    log = OpenLog(either_mode.product)

    statuses = either_mode.product.stop()

    assert log.ended_after() < LOOKS_OF_A_WHOLE_TAIL / 2
    assert set(statuses.values()) == {0}


def test_an_open_log_page_does_not_hold_up_the_end_by_ctrl_c(production):
    log = OpenLog(production.product)

    production.product.stop_by(lambda running: running.tell_group_to_stop(signal.SIGINT))

    assert log.ended_after() < LOOKS_OF_A_WHOLE_TAIL / 2
