"""Reads the name of a group of targets, as an order and an address give it."""

import re
from typing import Any

NAME = re.compile(r"[A-Za-z0-9._-]{1,100}")
A_GROUP = "the name of a group: up to 100 letters, digits, `.`, `_` or `-`"
GROUP_FORM = {"type": "string", "minLength": 1, "maxLength": 100}


def read_group(value: Any) -> str:
    if not isinstance(value, str) or not NAME.fullmatch(value):
        raise ValueError
    return value
