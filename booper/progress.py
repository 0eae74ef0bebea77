"""Owns how a command shows how far it has come: a bar on a terminal, plain lines everywhere else."""

import contextlib
import sys
import time
from collections.abc import Iterator
from typing import Protocol, TextIO

from tqdm import tqdm

LINE_EVERY_S = 10.0


class Progress(Protocol):
    def advance(self, amount: int) -> None:
        """So much more of the total is done."""

    def say(self, line: str) -> None:
        """A line of its own, above the bar where there is one."""


class Bar:
    def __init__(self, bar: "tqdm[None]") -> None:
        self._bar = bar

    def advance(self, amount: int) -> None:
        self._bar.update(amount)

    def say(self, line: str) -> None:
        self._bar.write(line, file=self._bar.fp)


class Lines:
    """A line when it begins to take long, and then every ten seconds."""

    def __init__(self, title: str, total: int, unit: str, stream: TextIO) -> None:
        self._title, self._total, self._unit = title, total, unit
        self._stream = stream
        self._done = 0
        self._told_s = time.monotonic()

    def advance(self, amount: int) -> None:
        self._done += amount
        if time.monotonic() - self._told_s >= LINE_EVERY_S:
            self._told_s = time.monotonic()
            self.say(f"{self._title}: {self._done} of {self._total} {self._unit}")

    def say(self, line: str) -> None:
        print(line, file=self._stream, flush=True)


@contextlib.contextmanager
def progress(title: str, total: int, unit: str, stream: TextIO | None = None) -> Iterator[Progress]:
    """Shows how much of `total` is done while the block lasts; on standard error unless told otherwise."""
    stream = sys.stderr if stream is None else stream
    if not stream.isatty():
        yield Lines(title, total, unit, stream)
        return
    with tqdm(total=total, desc=title, unit=f" {unit}", file=stream, dynamic_ncols=True) as bar:
        yield Bar(bar)
