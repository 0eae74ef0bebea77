"""Shows the progress of a command: a bar on a terminal, plain lines elsewhere."""

import contextlib
import sys
import time
from collections.abc import Iterator
from typing import Protocol, TextIO

from tqdm import tqdm

LINE_EVERY_S = 10.0


class Progress(Protocol):
    def advance(self, amount: int) -> None:
        """Add to what is done."""

    def print_line(self, line: str) -> None:
        """Print a line, above the bar if there is one."""


class Bar:
    def __init__(self, bar: "tqdm[None]") -> None:
        self._bar = bar

    def advance(self, amount: int) -> None:
        self._bar.update(amount)

    def print_line(self, line: str) -> None:
        self._bar.write(line, file=self._bar.fp)


class Lines:
    """Prints a line every ten seconds."""

    def __init__(self, title: str, total: int, unit: str, stream: TextIO) -> None:
        self._title, self._total, self._unit = title, total, unit
        self._stream = stream
        self._done = 0
        self._printed_s = time.monotonic()

    def advance(self, amount: int) -> None:
        self._done += amount
        if time.monotonic() - self._printed_s >= LINE_EVERY_S:
            self._printed_s = time.monotonic()
            self.print_line(f"{self._title}: {self._done} of {self._total} {self._unit}")

    def print_line(self, line: str) -> None:
        print(line, file=self._stream, flush=True)


@contextlib.contextmanager
def progress(title: str, total: int, unit: str, stream: TextIO | None = None) -> Iterator[Progress]:
    """Show how much of `total` is done while the block lasts. `stream`: standard error by default."""
    stream = sys.stderr if stream is None else stream
    if not stream.isatty():
        yield Lines(title, total, unit, stream)
        return
    with tqdm(total=total, desc=title, unit=f" {unit}", file=stream, dynamic_ncols=True) as bar:
        yield Bar(bar)
