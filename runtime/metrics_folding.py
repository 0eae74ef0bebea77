"""Adds up the metrics of processes that ended, so that totals never shrink and files don't gather.

prometheus_client keeps the files of every process that ever ran, and reads them all at each scrape: a thousand ended
processes cost 5 s and 360 MB (its `mark_process_dead` removes gauges alone). gunicorn replaces a process that crashes
without a pause, so nothing else bounds their number. Here the counts are added to files named `past`.
"""

import fcntl
import logging
import os
import shutil
import struct
import time
from collections.abc import Callable
from pathlib import Path

from runtime.metrics_files import locked

log = logging.getLogger("booper.metrics")
PAST = "past"
KEPT = ("counter", "histogram")
FOLD_EVERY_S = 2.0


def fold_dead(shared: Path) -> None:
    """Add what ended processes have counted to the past. Their gauges are dropped, except instants."""
    dead = [path for path in shared.glob("*.db") if not _is_alive(path)]
    if not dead:
        return
    with locked(shared, fcntl.LOCK_EX) as alone:
        if not alone:
            return  # a reader does not end; the next call tries again
        for kind in KEPT:
            _fold(shared, kind, [path for path in dead if path.name.startswith(f"{kind}_") and path.exists()])
        _keep_latest(shared, [path for path in dead if path.name.startswith("gauge_max_") and path.exists()])
        for path in dead:
            path.unlink(missing_ok=True)


class Folding:
    """Folds at most every FOLD_EVERY_S, however often it is called. Logs an error and tries again."""

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
    """Replace the past by one that includes these files, in one step: a reader sees the old one or the new one."""
    from runtime.metrics_room import ReservedFile

    filled = [path for path in paths if path.stat().st_size]
    if not filled:
        return
    new = past.with_suffix(".new")
    new.unlink(missing_ok=True)
    if past.exists():
        shutil.copyfile(past, new)
    values = ReservedFile(str(new))
    for path in filled:
        for key, value, _timestamp, _position in ReservedFile.read_all_values_from_file(str(path)):
            values.write_value(key, join(values.read_value(key)[0], value), 0.0)
    values.close()
    new.replace(past)


def _is_alive(path: Path) -> bool:
    """Whether the process that writes this file still runs. True for the past, which no process writes."""
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
