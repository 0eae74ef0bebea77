"""Writes log lines to standard error for the operator: one line an event, as JSON or as text.

An event is a message and fields: `log.info("request", extra=fields(status=200))`. Many events of one kind are one
record: `log.info("job.attempted", extra=lines([{"job_id": 7}, {"job_id": 8}]))`. The fields must not hold an API
key, an `Authorization` header, a body, a query string or a user name of a URL.
"""

import contextlib
import json
import logging
import os
import re
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

import orjson

from models.rules import times
from models.rules.clock import SECOND
from runtime.settings import Settings

STDERR = 2
IN_ONE_PIECE = 4096  # bytes of one write that a pipe does not mix with those of another writer
encode = json.JSONEncoder(default=str).encode
PLAIN = re.compile(r'[^\s"=]+')
NOT_PRINTED = {number: f"\\x{number:02x}" for number in [*range(32), 127, *range(128, 160)]}
NOT_PRINTED_BELOW = {number: text for number, text in NOT_PRINTED.items() if number != ord("\n")}


def fields(**named: Any) -> dict[str, Any]:
    """The argument `extra` of a log call, with fields of any names."""
    return {"lines": [named]}


def lines(each: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """The argument `extra` of a log call that writes a line for each of these fields, and none if there are none. A
    record a line would cost more than the line."""
    return {"lines": each}


def configure(settings: Settings) -> None:
    """Send every log line of the level and above to standard error; from libraries, warnings only."""
    # No line shows them, and looking them up costs time at each attempt.
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
    logging._srcfile = None  # documented: do not search the stack for the caller
    # Not `sys.stderr`: Dramatiq replaces it with a pipe, from which it writes each line again (19 us of CPU a job).
    output = Lines(partial(os.write, STDERR))
    output.setFormatter(Json() if writes_json(settings) else Text())
    logging.basicConfig(level=settings.log_level, handlers=[output], force=True)
    for library in ("pika", "dramatiq", "urllib3", "waitress", "psycopg", "opentelemetry", "peewee.migrations"):
        logging.getLogger(library).setLevel(logging.WARNING)
    logging.getLogger("peewee").setLevel(logging.INFO)  # below, it logs every value of every statement
    logging.getLogger("pika").setLevel(logging.CRITICAL)


def writes_json(settings: Settings) -> bool:
    """Whether lines are JSON: by default in production mode, unless standard error is a terminal."""
    if settings.log_format != "auto":
        return settings.log_format == "json"
    return not settings.embedded and not os.isatty(STDERR)


class Lines(logging.Handler):
    """Writes the lines of a record with few writes: each write releases the interpreter, and getting it back among busy
    threads costs more than the line.

    It takes no lock. A thread that gets the interpreter back late would hold the lock while all others wait (this cost
    a sixth of the creates of an API). The system keeps up to IN_ONE_PIECE bytes of one write together; longer lines of
    several threads may mix, as those of several processes do.
    """

    def __init__(self, write: Callable[[bytes], int]) -> None:
        super().__init__()
        self._write = write

    def handle(self, record: logging.LogRecord) -> bool:
        """Does what the library does, without the lock."""
        passes = bool(self.filter(record))
        if passes:
            self.emit(record)
        return passes

    def emit(self, record: logging.LogRecord) -> None:
        try:
            text = self.format(record)
        except Exception:  # noqa: BLE001 - as the library does when a message doesn't fit its arguments
            self.handleError(record)
            return
        data = text.encode("utf-8", "backslashreplace")
        for piece in [data + b"\n"] if record.exc_info else in_pieces(data):
            self.write(piece)

    def write(self, data: bytes) -> None:
        """Write these bytes; errors of a closed standard error or a full disk are ignored."""
        rest = data
        with contextlib.suppress(OSError):
            while rest:
                rest = rest[self._write(rest) :]


def in_pieces(data: bytes) -> Iterator[bytes]:
    """The lines of these bytes, joined to pieces of at most IN_ONE_PIECE."""
    piece = b""
    for line in data.split(b"\n") if data else ():
        if piece and len(piece) + len(line) >= IN_ONE_PIECE:
            yield piece
            piece = b""
        piece += line + b"\n"
    if piece:
        yield piece


def lines_of(record: logging.LogRecord) -> Sequence[dict[str, Any]]:
    """The fields of each line of the record; of a call without fields, one line."""
    return getattr(record, "lines", ({},))


class Json(logging.Formatter):
    """One JSON object a line: time, level, logger, message, the event's fields, and the exception if there is one."""

    def format(self, record: logging.LogRecord) -> str:
        begin = {
            "time": time_text(record.created),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
        }
        end = {"exception": self.formatException(record.exc_info)} if record.exc_info else {}
        return "\n".join([json_text({**begin, **fields, **end}) for fields in lines_of(record)])


class Text(logging.Formatter):
    """Time, level, logger, message, and fields as name=value; a traceback below. Writes no control characters."""

    def format(self, record: logging.LogRecord) -> str:
        begin = f"{time_text(record.created)} {record.levelname:<7} {record.name} "
        message = record.getMessage()
        lines = [begin + printed(message + fields_text(fields)) for fields in lines_of(record)]
        if record.exc_info:
            lines.append(self.formatException(record.exc_info).translate(NOT_PRINTED_BELOW))
        return "\n".join(lines)


def fields_text(fields: dict[str, Any]) -> str:
    return "".join([f" {name}={value_text(value)}" for name, value in fields.items()])


def printed(text: str) -> str:
    """The text without control characters."""
    return text if text.isprintable() else text.translate(NOT_PRINTED)


def json_text(line: dict[str, Any]) -> str:
    """A line as JSON in ASCII, since a terminal obeys some other characters. orjson, which is fast, does not escape
    those, so a line that has some is encoded by the slow encoder."""
    with contextlib.suppress(TypeError):
        text = orjson.dumps(line, default=str)
        if text.isascii():
            return text.decode()
    return encode(line)


def value_text(value: Any) -> str:
    """A value as text; in quotes unless it is one plain word."""
    return value if isinstance(value, str) and PLAIN.fullmatch(value) else encode(value)


def time_text(at_s: float) -> str:
    return times.format_instant(round(at_s * SECOND))
