"""Owns how the program tells its operator what happens: one line an event on standard error, as JSON or as text.

An event is a message and fields: `log.info("job.attempted", extra=fields(job_id=7))`. No key, no `Authorization`, no
body, no query string and no user name of a URL may be among them.
"""

import json
import logging
import os
import re
from typing import Any

from booper.settings import Settings
from models import moments
from models.clock import SECOND

STDERR = 2
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
    handler = logging.StreamHandler()
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
        return encode(line)


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


def shown(value: Any) -> str:
    """A value as text, in quotes when it would be read as several."""
    return value if isinstance(value, str) and PLAIN.fullmatch(value) else encode(value)


def written(at_s: float) -> str:
    return moments.written(round(at_s * SECOND))
