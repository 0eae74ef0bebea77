"""Says the reason of a failed attempt in the words of a person who did not write Booper. Pure."""

import re
from http import HTTPStatus

from models.jobs.attempt_reasons import WORDS

_STATUS = re.compile(r"status_([0-9]{3})")


def cause(reason: str) -> str:
    """`answered 401 Unauthorized`, `the target's certificate has expired`; a reason without words as it is."""
    status = _STATUS.fullmatch(reason)
    if not status:
        return WORDS.get(reason, reason)
    answered = f"answered {status[1]} {phrase(int(status[1]))}".strip()
    return f"{answered}; {WORDS[reason]}" if reason in WORDS else answered


def phrase(status_code: int) -> str:
    """The phrase of a status code; "" for a code that has none."""
    try:
        return HTTPStatus(status_code).phrase
    except ValueError:
        return ""
