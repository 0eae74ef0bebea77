"""Reads the name of a group of targets, as an order and an address give it."""

from typing import Any

from api.requests.ids import A_NAME, NAME
from api.requests.text_forms import pattern_form

A_GROUP = f"the name of a group: {A_NAME}"
GROUP_FORM = pattern_form(NAME.pattern, "shops")


def read_group(value: Any) -> str:
    if not isinstance(value, str) or not NAME.fullmatch(value):
        raise ValueError
    return value
