"""Pauses the accepting of connections while this process has no file left for one.

The listening socket stays readable meanwhile: without the pause, a server would try in a busy loop, log each try, or
end. The connection waits in the system's queue and is accepted once files are free.
"""

import errno
import logging
import time
from typing import Any

from runtime.waitress_servers import listening

log = logging.getLogger("booper.connections")

NO_FILES = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)
PAUSE_S = 0.25
LOGGED_EVERY_S = 60.0  # at most, where a file is free now and then


class FileShortage:
    """Whether accepting pauses. Used by one thread."""

    def __init__(self) -> None:
        self._is_noted = False
        self._logged_at_s = float("-inf")
        self.pauses_until_s = 0.0

    def begin(self, error: OSError) -> bool:
        """Note an error of accepting; False: it has another cause. The first of a shortage is logged."""
        if error.errno not in NO_FILES:
            return False
        now_s = time.monotonic()
        if not self._is_noted and now_s >= self._logged_at_s + LOGGED_EVERY_S:
            self._logged_at_s = now_s
            log.error(
                "no connection can be accepted: %s; those that wait are accepted once files are free. Raise the limit "
                "of open files (ulimit -n, LimitNOFILE of systemd)",
                error.strerror,
            )
        self._is_noted, self.pauses_until_s = True, now_s + PAUSE_S
        return True

    def end(self) -> None:
        """Note that a connection was accepted."""
        self._is_noted = False

    @property
    def pauses(self) -> bool:
        return time.monotonic() < self.pauses_until_s


class _PausedServer:
    """Stands before a listening server of waitress. It accepts nothing during a pause."""

    def __init__(self, server: Any) -> None:
        self._accept, self._readable, self._shortage = server.accept, server.readable, FileShortage()

    def accept(self) -> Any:
        try:
            accepted = self._accept()
        except OSError as error:
            if not self._shortage.begin(error):
                raise
            return None
        if accepted:
            self._shortage.end()
        return accepted

    def readable(self) -> bool:
        return bool(self._readable()) and not self._shortage.pauses


def pause_without_files(server: Any) -> None:
    """Have a server of waitress pause where it can accept nothing. Each round of its loop looks again."""
    for each in listening(server):
        paused = _PausedServer(each)
        each.accept, each.readable = paused.accept, paused.readable
