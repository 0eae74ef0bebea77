"""Stands in for systemd: the socket that a unit of Type=notify writes to, and the environment that it gets."""

import contextlib
import socket

from tests.support.waiting import wait_until


class ServiceManager:
    """A context. `environment`: what a unit finds, with a watchdog of `watchdog_s` or none."""

    def __init__(self, folder, watchdog_s=None):
        self._path = str(folder / "notify")
        self._heard = []
        self.environment = {"NOTIFY_SOCKET": self._path}
        if watchdog_s:
            self.environment["WATCHDOG_USEC"] = str(int(watchdog_s * 1_000_000))

    def __enter__(self):
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(self._path)
        self._socket.setblocking(False)
        return self

    def __exit__(self, *_):
        self._socket.close()

    def heard(self):
        """Every message so far."""
        with contextlib.suppress(BlockingIOError):
            while True:
                self._heard.append(self._socket.recv(4096).decode())
        return self._heard

    def await_more(self, text, times=1):
        """Wait until a message with this text has come so many times more."""
        before = self.count(text)
        wait_until(lambda: self.count(text) >= before + times, 60, f"{text} from the process", 0.02)

    def count(self, text):
        return sum(text in message for message in self.heard())
