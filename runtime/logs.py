"""Owns how the program tells its operator what happens: one line an event on standard error, as JSON or as text.

An event is a message and fields: `log.info("job.attempted", extra=fields(job_id=7))`. No key, no `Authorization`, no
body, no query string and no user name of a URL may be among them.
"""

import contextlib
import json
import logging
import os
import re
import threading
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import orjson

from models.rules import times
from models.rules.clock import SECOND
from runtime.settings import Settings

STDERR = 2
IN_ONE_PIECE = 4096  # bytes that a pipe takes from one writer without those of another in between
encode = json.JSONEncoder(default=str).encode
PLAIN = re.compile(r'[^\s"=]+')
NOT_PRINTED = {number: f"\\x{number:02x}" for number in [*range(32), 127, *range(128, 160)]}
NOT_PRINTED_BELOW = {number: text for number, text in NOT_PRINTED.items() if number != ord("\n")}


def fields(**named: Any) -> dict[str, Any]:
    """What `extra` takes, so that the names may be any."""
    return {"fields": named}


def configure(settings: Settings) -> None:
    """Send every log line of the level and above to standard error; libraries only warn."""
    # No line names them, and each attempt writes a line.
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
    logging._srcfile = None  # the documented way not to search the stack for the caller
    # Not `sys.stderr`: Dramatiq puts a pipe there, whose other end writes each line once more (19 us of CPU a job).
    handler = Lines(partial(os.write, STDERR))
    handler.setFormatter(Json() if writes_json(settings) else Text())
    logging.basicConfig(level=settings.log_level, handlers=[handler], force=True)
    for library in ("pika", "dramatiq", "urllib3", "waitress", "psycopg", "opentelemetry", "peewee.migrations"):
        logging.getLogger(library).setLevel(logging.WARNING)
    logging.getLogger("peewee").setLevel(logging.INFO)  # it tells every value of every statement below that
    logging.getLogger("pika").setLevel(logging.CRITICAL)


def writes_json(settings: Settings) -> bool:
    """Whether lines are for a machine: in production, unless standard error is a terminal."""
    if settings.log_format != "auto":
        return settings.log_format == "json"
    return not settings.embedded and not os.isatty(STDERR)


class Gathered(threading.local):
    """The lines of this thread's `together` block; None outside of one."""

    lines: list[str] | None = None


_gathered = Gathered()


class Lines(logging.Handler):
    """Writes lines as they come, or, within `together`, as many at once as stay in one piece.

    Without a lock: a write lets go of the interpreter, and whoever gets it back late would keep all others waiting (a
    sixth of the creates that an API could take). The system keeps what one call of `write` is given in one piece, if it
    is no longer than IN_ONE_PIECE; longer lines of several threads may mix, as those of several processes do.
    """

    def __init__(self, write: Callable[[bytes], int]) -> None:
        super().__init__()
        self._write = write

    def handle(self, record: logging.LogRecord) -> bool:
        """As the library's own, but for the lock."""
        passes = bool(self.filter(record))
        if passes:
            self.emit(record)
        return passes

    def emit(self, record: logging.LogRecord) -> None:
        try:
            line = f"{self.format(record)}\n"
        except Exception:  # noqa: BLE001 - the library's way with a message that doesn't fit its arguments
            self.handleError(record)
            return
        if _gathered.lines is None:
            self.write(line)
        else:
            _gathered.lines.append(line)

    def write(self, text: str) -> None:
        """A closed standard error, or a full disk behind it, is borne."""
        rest = text.encode("utf-8", "backslashreplace")
        with contextlib.suppress(OSError):
            while rest:
                rest = rest[self._write(rest) :]


@contextlib.contextmanager
def together() -> Iterator[None]:
    """What this thread tells within the block is written at its end, many lines at once: each write lets go of the
    interpreter, and to get it back among busy threads costs more than the line."""
    lines: list[str] = []
    _gathered.lines = lines
    try:
        yield
    finally:
        _gathered.lines = None
        if lines:
            handler = next(one for one in logging.getLogger().handlers if isinstance(one, Lines))
            for piece in in_pieces(lines):
                handler.write(piece)


def in_pieces(lines: list[str]) -> Iterator[str]:
    """The lines, joined up to the length that is written in one piece."""
    piece = ""
    for line in lines:
        if piece and len(piece) + len(line) > IN_ONE_PIECE:
            yield piece
            piece = ""
        piece += line
    if piece:
        yield piece


class Json(logging.Formatter):
    """One object a line: time, level, logger, message, then the event's fields, then the exception if there is one."""

    def format(self, record: logging.LogRecord) -> str:
        line = {
            "time": written(record.created),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
            **getattr(record, "fields", {}),
        }
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return encoded(line)


class Text(logging.Formatter):
    """Time, level, logger, message, fields as name=value; a traceback below. Nothing moves the terminal's cursor."""

    def format(self, record: logging.LogRecord) -> str:
        named = "".join(f" {name}={shown(value)}" for name, value in getattr(record, "fields", {}).items())
        message = f"{record.getMessage()}{named}"
        if not message.isprintable():
            message = message.translate(NOT_PRINTED)
        line = f"{written(record.created)} {record.levelname:<7} {record.name} {message}"
        if not record.exc_info:
            return line
        return f"{line}\n{self.formatException(record.exc_info).translate(NOT_PRINTED_BELOW)}"


def encoded(line: dict[str, Any]) -> str:
    """A line as JSON in ASCII, since a terminal obeys some of what lies beyond; slowly only where there is any."""
    with contextlib.suppress(TypeError):
        text = orjson.dumps(line, default=str)
        if text.isascii():
            return text.decode()
    return encode(line)


def shown(value: Any) -> str:
    """A value as text, in quotes when it would be read as several."""
    return value if isinstance(value, str) and PLAIN.fullmatch(value) else encode(value)


def written(at_s: float) -> str:
    return times.format_instant(round(at_s * SECOND))
