"""Owns the ids in paths and query strings: which texts can name a job or a log entry. Pure."""

import re

from models.database.ids import is_uuid

BIGGEST = 2**63 - 1

_WHOLE = re.compile(r"[0-9]{1,19}")


def job_key(text: str) -> int | str | None:
    """The integer or the UUID that names a job; None for a text that can name none."""
    if _WHOLE.fullmatch(text):
        return int(text) if int(text) <= BIGGEST else None
    return uuid_key(text)


def uuid_key(text: str) -> str | None:
    """The UUID in lower case; None for a text that is none."""
    return text.lower() if is_uuid(text) else None
