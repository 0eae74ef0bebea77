"""Remembers that the database took no write for want of room or rights, until it takes one, or for KEPT_S.

/readyz says so: the database still answers questions, and the ticker still finds room for its row.
"""

import re
import time

KEPT_S = 30.0
CAUSES = (
    (re.compile("no space left on device|disk is full|could not extend file", re.IGNORECASE), "no room on its disk"),
    (re.compile("read-?only", re.IGNORECASE), "a database that is read-only"),
)
_latest: tuple[float, str] = 0.0, ""


def note(error: Exception) -> None:
    """Note the error of a request that the database refused."""
    global _latest
    for pattern, cause in CAUSES:
        if pattern.search(str(error)):
            _latest = time.monotonic(), cause


def forget() -> None:
    """Note that the database took a write."""
    global _latest
    if _latest[1]:
        _latest = 0.0, ""


def cause() -> str:
    """Why the latest write was refused; empty: none was lately."""
    at_s, cause = _latest
    return cause if cause and time.monotonic() < at_s + KEPT_S else ""
