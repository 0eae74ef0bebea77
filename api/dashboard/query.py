"""Reads the fields of a page's address, whole numbers in texts, and the texts of what is wrong with a form."""

from collections.abc import Callable, Iterable, Mapping

from flask import request
from marshmallow import ValidationError

from api.dashboard.reader_times import ZONE, in_zone
from api.requests.ids import NAME


def filled_fields(names: Iterable[str]) -> dict[str, str]:
    """The fields of the address that are not empty."""
    fields = {name: request.args.get(name, "").strip() for name in names}
    return {name: value for name, value in fields.items() if value}


def whole_number(text: str, default: int = 0, max_digits: int = 18) -> int:
    """The whole number that a text spells; the default for any other text."""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= max_digits else default


def number_or_text(text: str) -> int | str:
    """The whole number that a text spells; any other text as it is, for a schema to refuse."""
    return int(text) if whole_number(text, -1) >= 0 else text


def problems_of(error: ValidationError, labels: Mapping[str, str] | None = None) -> list[str]:
    """What is wrong, each with the field's name in front, or with its label where there is one."""
    texts_by_field = in_zone(error.normalized_messages(), request.values.get(ZONE, ""))
    return [f"{(labels or {}).get(name, name)} {text}" for name, texts in texts_by_field.items() for text in texts]


def problems_of_new_name(name: str, noun: str, expected: str, find: Callable[[str], object]) -> list[str]:
    """What is wrong with the name of something new. `find`: what the account has under a name."""
    if not NAME.fullmatch(name):
        return [f"name must be {expected}"]
    return [f"name must be another: there is a {noun} of this name"] if find(name) else []
