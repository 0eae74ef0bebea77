"""The sign of life of `booper serve` for systemd: sent while this process answers its own /healthz.

A loop that hangs, or a table of threads that are all stuck, ends the signs; systemd then restarts the process.
"""

import contextlib
import http.client
import logging
import threading
from collections.abc import Callable

from runtime import systemd
from runtime.settings import Settings

log = logging.getLogger("booper.watchdog")
ANSWER_LIMIT_S = 5
JOIN_S = 2 * ANSWER_LIMIT_S
ANY_ADDRESS = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - listened on by others; asked here


class Watchdog:
    """A thread of its own, if systemd waits for signs of life. `works`: whether the parts that nobody asks go on."""

    def __init__(self, settings: Settings, works: Callable[[], bool]) -> None:
        self._host, self._port = ANY_ADDRESS.get(settings.host, settings.host), settings.port
        self._works = works
        self._pause_s = systemd.pause_s()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="watchdog", daemon=True)

    def start(self) -> None:
        if self._pause_s is not None:
            self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(JOIN_S)

    def _watch(self) -> None:
        while not self._stop.wait(self._pause_s):
            if self._works() and self._answers():
                systemd.notify(systemd.ALIVE)
            else:
                log.error("this process does not answer itself, or its ticker has ended: systemd gets no sign of life")

    def _answers(self) -> bool:
        connection = http.client.HTTPConnection(self._host, self._port, timeout=ANSWER_LIMIT_S)
        with contextlib.suppress(OSError, http.client.HTTPException), contextlib.closing(connection):
            connection.request("GET", "/healthz")
            return connection.getresponse().status == 200
        return False
