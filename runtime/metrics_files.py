"""Owns where the metrics of several processes meet, and the page that shows them all.

Each process writes files of its own into one directory of the command that started it; whoever is asked sums them up.
What a process that died had counted is added to files named `past`, so that totals never shrink and files don't gather.
Reading and folding exclude one another by a lock on the directory; a directory whose owner is gone is known by its
free lock, and removed by the next start. In memory (/dev/shm) where there is such: the files are mapped, and a write to
a mapped file on a full disk would kill the process.
"""

import contextlib
import fcntl
import logging
import os
import shutil
import struct
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

log = logging.getLogger("booper.metrics")
VARIABLE = "PROMETHEUS_MULTIPROC_DIR"  # prometheus_client's own; read when it is imported
PREFIX = "booper-metrics-"
OWNER, READERS = "owner.lock", "readers.lock"
PAST = "past"
KEPT = ("counter", "histogram")
READS_TRIED = 3
LOCK_LIMIT_S = 1.0
PAUSE_S = 0.01
FOLD_EVERY_S = 2.0
CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


def make_directory() -> Path:
    """A directory for this command's processes, named in the environment that they inherit; the caller's process (and
    what it becomes by exec) holds it until its end. Removes those whose owners are gone."""
    base = Path("/dev/shm") if os.access("/dev/shm", os.W_OK) else Path(tempfile.gettempdir())  # noqa: S108
    for old in base.glob(f"{PREFIX}*"):
        _remove_if_abandoned(old)
    unnamed = Path(tempfile.mkdtemp(prefix=f".{PREFIX}", dir=base))
    _lock_of_owner(unnamed)
    # Only now: another start must not find it without its lock.
    made = unnamed.rename(base / unnamed.name.removeprefix("."))
    os.environ[VARIABLE] = str(made)
    return made


def directory() -> Path | None:
    """The directory this process writes to; None when it keeps its metrics to itself."""
    named = os.environ.get(VARIABLE)
    return Path(named) if named else None


def remove(made: Path) -> None:
    shutil.rmtree(made, ignore_errors=True)


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
    with _locked(shared, fcntl.LOCK_SH):  # if it is not to be had, better a page that counts something twice than none
        for _ in range(READS_TRIED - 1):
            # A process that starts just now has a file with nothing in it yet.
            with contextlib.suppress(struct.error, OSError):
                return generate_latest(registry)
            time.sleep(PAUSE_S)
        return generate_latest(registry)


def fold_dead(shared: Path) -> None:
    """Add what processes that are gone have counted to the past; their gauges are forgotten, but for instants."""
    dead = [path for path in shared.glob("*.db") if not _alive(path)]
    if not dead:
        return
    with _locked(shared, fcntl.LOCK_EX) as alone:
        if not alone:
            return  # a reader stands still; there is a next time
        for kind in KEPT:
            _fold(shared, kind, [path for path in dead if path.name.startswith(f"{kind}_") and path.exists()])
        _keep_latest(shared, [path for path in dead if path.name.startswith("gauge_max_") and path.exists()])
        for path in dead:
            path.unlink(missing_ok=True)


class Folding:
    """Called often, folds now and then; what goes wrong is told and tried again."""

    def __init__(self, shared: Path) -> None:
        self._shared = shared
        self._next_s = 0.0

    def __call__(self) -> None:
        if time.monotonic() < self._next_s:
            return
        self._next_s = time.monotonic() + FOLD_EVERY_S
        try:
            fold_dead(self._shared)
        except (OSError, ValueError, struct.error) as error:
            log.warning("metrics of processes that ended are not added up (%s): next try soon", error)


def _fold(shared: Path, kind: str, paths: list[Path]) -> None:
    _merge(shared / f"{kind}_{PAST}.db", paths, lambda before, value: before + value)


def _keep_latest(shared: Path, paths: list[Path]) -> None:
    _merge(shared / f"gauge_max_{PAST}.db", paths, max)


def _merge(past: Path, paths: list[Path], join: Callable[[float, float], float]) -> None:
    """Write the past anew with these files in it, in one step: a reader sees the old or the new."""
    from prometheus_client.mmap_dict import MmapedDict

    filled = [path for path in paths if path.stat().st_size]
    if not filled:
        return
    written = past.with_suffix(".new")
    if past.exists():
        shutil.copyfile(past, written)
    values = MmapedDict(str(written))
    for path in filled:
        for key, value, _timestamp, _place in MmapedDict.read_all_values_from_file(str(path)):
            values.write_value(key, join(values.read_value(key)[0], value), 0.0)
    values.close()
    written.replace(past)


def _alive(path: Path) -> bool:
    """Whether the process that writes this file still is; the past has none and stays."""
    number = path.stem.rpartition("_")[2]
    if number == PAST:
        return True
    try:
        os.kill(int(number), 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


@contextlib.contextmanager
def _locked(shared: Path, how: int) -> Iterator[bool]:
    """The directory's lock, waited for `LOCK_LIMIT_S` at most; yields whether it was to be had."""
    give_up_s = time.monotonic() + LOCK_LIMIT_S
    with (shared / READERS).open("a") as file:
        while not (held := _flocked(file.fileno(), how)) and time.monotonic() < give_up_s:
            time.sleep(PAUSE_S)
        yield held


def _flocked(number: int, how: int) -> bool:
    try:
        fcntl.flock(number, how | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _lock_of_owner(shared: Path) -> None:
    """Take the lock that is held until this process ends."""
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
