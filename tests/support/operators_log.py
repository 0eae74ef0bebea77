"""The lines that an operator reads: those that a test wrote, and those that the product can write."""

import ast
import logging
import re
from contextlib import contextmanager

from tests.support.documents import ROOT

METHODS = {"info": "INFO", "warning": "WARNING", "error": "ERROR", "exception": "EXCEPTION"}
VALUE = re.compile(r"%[sdr]")


class Lines(logging.Handler):
    """Keeps each line as its level and its message; EXCEPTION is an error with a traceback below."""

    def __init__(self):
        super().__init__(logging.INFO)
        self.lines = []

    def emit(self, record):
        if record.name.startswith("booper"):
            level = "EXCEPTION" if record.exc_info else record.levelname
            self.lines.append(f"{level} {record.getMessage()}")


@contextmanager
def written():
    """The lines that are written meanwhile, at INFO and above."""
    root, kept = logging.getLogger("booper"), Lines()
    level = root.level
    root.addHandler(kept)
    root.setLevel(logging.INFO)
    try:
        yield kept.lines
    finally:
        root.setLevel(level)
        root.removeHandler(kept)


def written_in(modules):
    """Each line that these modules write at INFO and above: its level and its message before its values come into it.
    `modules`: a pattern of their paths."""
    for path in sorted(ROOT.glob(modules)):
        for node in ast.walk(ast.parse(path.read_text())):
            match node:
                case ast.Call(ast.Attribute(ast.Name("log"), method), [ast.Constant(str(text)), *_]):
                    if method in METHODS:
                        yield f"{METHODS[method]} {text}"


def unseen(modules, seen):
    """Those lines of these modules that no line of `seen` is an example of."""
    return [text for text in written_in(modules) if not any(is_of(text, line) for line in seen)]


def is_of(text, line):
    """Whether the line is this message with values."""
    return re.fullmatch(".+".join(map(re.escape, VALUE.split(text))), line) is not None


def raising(error):
    """A function that fails, whatever it is called with."""

    def fail(*_, **__):
        raise error

    return fail
