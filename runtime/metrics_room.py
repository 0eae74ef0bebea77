"""Reserves the room of a file of metrics before it is mapped, so that a full disk never ends a process.

prometheus_client makes its files longer without reserving the room. A write to a page that the disk has no room for
ends the process by SIGBUS, and /dev/shm is 64 MB in a container. Without room, a process keeps its counts in memory of
its own: they are missing from the page, and the process lives.
"""

import logging
import mmap
import os

from prometheus_client import values
from prometheus_client.mmap_dict import MmapedDict

log = logging.getLogger("booper.metrics")
FIRST_SIZE = 65_536


def reserve(path: str, size: int) -> None:
    """Make the file at least so long, with room on the disk for all of it. Raises OSError where there is none, and
    leaves no empty file, which no reader understands."""
    number = os.open(path, os.O_CREAT | os.O_RDWR, 0o600)
    try:
        os.posix_fallocate(number, 0, max(size, os.fstat(number).st_size))
    except OSError:
        if not os.fstat(number).st_size:
            os.unlink(path)  # noqa: PTH108
        raise
    finally:
        os.close(number)


class ReservedFile(MmapedDict):
    """A file whose room is reserved. Raises OSError where there is none."""

    def __init__(self, filename: str, read_mode: bool = False) -> None:
        if not read_mode:
            reserve(filename, FIRST_SIZE)
        super().__init__(filename, read_mode)

    def _init_value(self, key: str) -> None:
        if self._used + longest_entry(key) > self._capacity:
            self.make_longer(2 * self._capacity + longest_entry(key))
            self._capacity = os.fstat(self._f.fileno()).st_size
            self._m = mmap.mmap(self._f.fileno(), self._capacity)
        super()._init_value(key)

    def make_longer(self, size: int) -> None:
        reserve(self._fname, size)


class ReservedOrOwn(ReservedFile):
    """The same, but where there is no room, memory that only this process sees takes the place of the file."""

    is_own = False

    def __init__(self, filename: str, read_mode: bool = False) -> None:
        try:
            super().__init__(filename, read_mode)
        except OSError as error:
            self.is_own = True
            MmapedDict.__init__(self, own_memory(filename, error), read_mode)

    def make_longer(self, size: int) -> None:
        if not self.is_own:
            try:
                return super().make_longer(size)
            except OSError as error:
                self._move(own_memory(self._fname, error))
        self._f.truncate(size)
        return None

    def _move(self, path: str) -> None:
        """Go on in memory with all that there was."""
        self.is_own, self._fname = True, path
        self._f = open(path, "a+b")  # noqa: PTH123, SIM115 - as the library does
        self._f.write(self._m[: self._used])
        self._f.flush()


def own_memory(filename: str, error: OSError) -> str:
    """The path of memory of this process, which no disk limits."""
    log.warning("no room for metrics in %s (%s): from now on this process's are missing from /metrics", filename, error)
    return f"/proc/self/fd/{os.memfd_create('booper-metrics')}"


def longest_entry(key: str) -> int:
    """How many bytes an entry may take."""
    return len(key.encode()) + 48


def install() -> None:
    """Have the library make its files so. To be called before the first metric makes one."""
    values.MmapedDict = ReservedOrOwn  # type: ignore[misc]
