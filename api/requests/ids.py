"""Reads the ids in paths and query strings. An id in a path that can name nothing is 404, like one that names nothing.

Pure. A reader for query strings raises ValueError.
"""

import re
from typing import Any

from api.responses.responses import not_found
from models.database.ids import is_uuid

BIGGEST = 2**63 - 1

_WHOLE = re.compile(r"[0-9]{1,19}")


def job_key(text: str) -> int | str | None:
    """The integer or the UUID that names a job; None for a text that can name none."""
    if _WHOLE.fullmatch(text):
        return int(text) if int(text) <= BIGGEST else None
    return uuid_key(text)


def uuid_key(text: str) -> str | None:
    """The UUID in lower case; None for another text."""
    return text.lower() if is_uuid(text) else None


def job_in_path(text: str) -> int | str:
    """The integer or the UUID of a job; 404 for another text."""
    key = job_key(text)
    if key is None:
        raise not_found()
    return key


def uuid_in_path(text: str) -> str:
    """The UUID in lower case; 404 for another text."""
    key = uuid_key(text)
    if key is None:
        raise not_found()
    return key


def read_job_key(value: Any) -> int | str:
    """A job's integer, as a text or in JSON as a number, or its UUID."""
    is_number = isinstance(value, int) and not isinstance(value, bool)
    key = job_key(str(value)) if is_number or isinstance(value, str) else None
    if key is None:
        raise ValueError
    return key


def read_uuid(value: Any) -> str:
    key = uuid_key(value) if isinstance(value, str) else None
    if key is None:
        raise ValueError
    return key
