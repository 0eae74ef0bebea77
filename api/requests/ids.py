"""Reads the ids in paths and query strings. An id in a path that can name nothing is 404, like one that names nothing.

Pure. A reader for query strings raises ValueError.
"""

import re
from typing import Any

from api.requests.fields import shown
from api.responses.responses import invalid, not_found
from models.database.ids import is_uuid

BIGGEST = 2**63 - 1

NAME = re.compile(r"[A-Za-z0-9._-]{1,100}")  # of what its owner names, such as a group
A_NAME = "up to 100 letters, digits, `.`, `_` or `-`"

_WHOLE = re.compile(r"[0-9]{1,18}")


def job_key(text: str) -> int | str | None:
    """The integer or the UUID that names a job; None for a text that can name none."""
    if _WHOLE.fullmatch(text):
        return int(text)
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


def name_in_path(name: str) -> str:
    """The name of a thing; 404 for a text that can name none."""
    if not NAME.fullmatch(name):
        raise not_found()
    return name


def new_name_in_path(name: str, expected: str) -> str:
    """The name of a thing that is to be made; 422 for a text that can name none. `expected`: what it must be."""
    if not NAME.fullmatch(name):
        raise invalid({"name": [f"must be {expected}, got {shown(name)}"]})
    return name


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
