"""Describes for OpenAPI texts whose rule is a pattern. Pure.

The patterns are those of ECMA-262 and of Python alike. What no pattern can say has a format with a name, such as
`time-zone`.
"""

from typing import Any

from api.requests.fields import text_form
from models.rules import times

UNPRINTABLE = r"\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069"
PRINTABLE = f"^[^{UNPRINTABLE}]*$"
HEADER_TEXT = r"^([^\x00-\x20\x7f]([^\x00-\x08\x0a-\x1f\x7f]*[^\x00-\x20\x7f])?)?$"
A_UUID = "[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"
HEADER_NAME = "^[A-Za-z0-9!#$%&'*+.^_`|~-]+$"
B64 = "[A-Za-z0-9+/]"
BASE64 = f"({B64}{{4}})*({B64}[AQgw]==|{B64}{{2}}[AEIMQUYcgkosw048]=)?"  # the one way to write these bytes
A_JOB = f"[0-9]{{1,18}}|{A_UUID}"


def pattern_form(pattern: str, example: str | None = None) -> dict[str, Any]:
    """A text that the pattern matches as a whole."""
    return {"type": "string", "pattern": f"^({pattern})$", **({"example": example} if example else {})}


def printable_form(max_chars: int, min_chars: int = 1) -> dict[str, Any]:
    """A text of bounded length without line ends and other control characters."""
    return {**text_form(max_chars, min_chars), "pattern": PRINTABLE}


HEADER_VALUE_FORM = {"type": "string", "pattern": HEADER_TEXT}
DURATION_TEXT = pattern_form(times.DURATION_PATTERN, "1h30m")
INSTANT_TEXT = pattern_form(times.DATE_TIME_PATTERN, "2026-01-31T09:00:00Z")
INSTANT_IN_QUERY = pattern_form(
    rf"{times.DATE_TIME_PATTERN}|(0|[1-9][0-9]{{0,12}})(\.[0-9]{{1,19}})?", "2026-01-31T09:00:00Z"
)
JOB_KEY_FORM = pattern_form(A_JOB)
HEADER_NAME_FORM = {"type": "string", "pattern": HEADER_NAME, "example": "X-Tenant"}
BASE64_FORM = {**pattern_form(BASE64, "aGVsbG8="), "contentEncoding": "base64"}
