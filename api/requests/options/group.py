"""Reads the name of a group of targets, as an order and an address give it."""

from typing import Any

from api.requests.ids import A_NAME, NAME

A_GROUP = f"the name of a group: {A_NAME}"
GROUP_FORM = {"type": "string", "minLength": 1, "maxLength": 100}


def read_group(value: Any) -> str:
    if not isinstance(value, str) or not NAME.fullmatch(value):
        raise ValueError
    return value
