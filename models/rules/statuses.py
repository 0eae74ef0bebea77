"""Says what status codes of a target mean for what follows, and which of them a pattern covers. Pure.

A pattern is a status (`409`) or a class of them (`4xx`), as text in lower case.
"""

import re
from collections.abc import Iterable

REDIRECTS = (301, 302, 303, 307, 308)  # none is followed
FINAL = (301, 308, 410)  # moved or gone for good: no further attempt gets another answer
SUCCESS = ("2xx",)  # where the job's owner says nothing else
PATTERN = "[2-9]([0-9]{2}|xx)"  # a status from 200 to 999: no other ends a response


def is_pattern(text: str) -> bool:
    return re.fullmatch(PATTERN, text) is not None


def covers(patterns: Iterable[str], status_code: int) -> bool:
    """Whether one of the patterns is this status or its class."""
    status = str(status_code)
    return any(pattern in (status, f"{status[0]}xx") for pattern in patterns)
