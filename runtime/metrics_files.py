"""Keeps the metrics of several processes in one directory, and makes the page that shows their sums.

Each process writes its own files into a directory of the command that started it. Its owner holds a lock on it until it
ends; the next start removes each directory whose lock is free. It is in memory (/dev/shm) where there is room. A write
to a mapped file on a full disk would kill the process: runtime/metrics_room.py reserves the room.

Readers and runtime/metrics_folding.py exclude each other by a second lock.
"""

import contextlib
import fcntl
import logging
import os
import shutil
import struct
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

log = logging.getLogger("booper.metrics")
VARIABLE = "PROMETHEUS_MULTIPROC_DIR"  # prometheus_client reads it when it is imported
PREFIX = "booper-metrics-"
OWNER, READERS = "owner.lock", "readers.lock"
READ_ATTEMPTS = 3
ROOM = 8 << 20
LOCK_LIMIT_S = 1.0
PAUSE_S = 0.01
CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


def make_directory() -> Path:
    """Make a directory for this command's processes and name it in the environment that they inherit. The caller's
    process, also after exec, holds it until it ends. Removes directories whose owners have ended."""
    base = _base()
    for old in base.glob(f"{PREFIX}*"):
        _remove_if_abandoned(old)
    hidden = Path(tempfile.mkdtemp(prefix=f".{PREFIX}", dir=base))
    _lock_as_owner(hidden)
    # Renamed after it is locked, so that no other start finds it without its lock.
    shared = hidden.rename(base / hidden.name.removeprefix("."))
    os.environ[VARIABLE] = str(shared)
    return shared


def _base() -> Path:
    """The folder in memory, unless it is small or full: each process of a command takes up to half a megabyte."""
    memory = Path("/dev/shm")  # noqa: S108
    if not os.access(memory, os.W_OK):
        return Path(tempfile.gettempdir())
    if shutil.disk_usage(memory).free < ROOM:
        log.warning(
            "%s has less than %d MB of room: the metrics are kept in %s", memory, ROOM >> 20, tempfile.gettempdir()
        )
        return Path(tempfile.gettempdir())
    return memory


def directory() -> Path | None:
    """The directory that this process writes to; None if it keeps its metrics to itself."""
    name = os.environ.get(VARIABLE)
    return Path(name) if name else None


def remove(shared: Path) -> None:
    shutil.rmtree(shared, ignore_errors=True)


def page() -> bytes:
    """Every metric of this command's processes, in Prometheus's text format."""
    from prometheus_client import CollectorRegistry, generate_latest
    from prometheus_client.multiprocess import MultiProcessCollector

    shared = directory()
    if shared is None:
        from runtime.metrics import REGISTRY

        return generate_latest(REGISTRY)
    registry = CollectorRegistry()
    MultiProcessCollector(registry, path=str(shared))
    with locked(shared, fcntl.LOCK_SH):  # without the lock, a page that counts something twice is better than none
        for _ in range(READ_ATTEMPTS - 1):
            # A process that has just started has an empty file.
            with contextlib.suppress(struct.error, OSError):
                return generate_latest(registry)
            time.sleep(PAUSE_S)
        return generate_latest(registry)


@contextlib.contextmanager
def locked(shared: Path, how: int) -> Iterator[bool]:
    """Wait at most LOCK_LIMIT_S for the directory's lock; yields whether it is held. `how`: as flock takes it."""
    give_up_s = time.monotonic() + LOCK_LIMIT_S
    with (shared / READERS).open("a") as file:
        while not (held := _flock(file.fileno(), how)) and time.monotonic() < give_up_s:
            time.sleep(PAUSE_S)
        yield held


def _flock(number: int, how: int) -> bool:
    try:
        fcntl.flock(number, how | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _lock_as_owner(shared: Path) -> None:
    """Take the lock that this process holds until it ends."""
    number = os.open(shared / OWNER, os.O_CREAT | os.O_RDWR | os.O_NOFOLLOW, 0o600)
    os.set_inheritable(number, True)  # kept through exec
    fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB)


def _remove_if_abandoned(old: Path) -> None:
    with contextlib.suppress(OSError):
        if old.is_symlink() or old.stat().st_uid != os.getuid():
            return
        number = os.open(old / OWNER, os.O_RDWR | os.O_NOFOLLOW)
        try:
            fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB)
            remove(old)
        finally:
            os.close(number)
