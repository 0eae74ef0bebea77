"""Keeps the lines of the operator's log that a scenario writes."""

import logging
from contextlib import contextmanager

from models.rules import clock
from runtime.logs import Text

OF_EACH = ("booper.requests", "booper.attempts")


class Lines(logging.Handler):
    """Keeps the lines of the operator's log, as `formatter` writes them, at the time of the scenario's clock."""

    def __init__(self, formatter, level=logging.INFO):
        super().__init__(level)
        self.setFormatter(formatter)
        self.lines = []

    def emit(self, record):
        if record.name.startswith(("booper", "api")):
            record.created = clock.now() / clock.SECOND
            self.lines += self.format(record).split("\n")


@contextmanager
def logged(formatter=None):
    """The lines of the operator's log that are written meanwhile."""
    root, lines = logging.getLogger(), Lines(formatter or Text())
    level = root.level
    root.addHandler(lines)
    root.setLevel(logging.INFO)
    try:
        yield lines.lines
    finally:
        root.setLevel(level)
        root.removeHandler(lines)


def rare(lines):
    """Those that not each request and not each attempt writes."""
    return "".join(f"{line}\n" for line in lines if not any(f" {name} " in line for name in OF_EACH))
