"""Compares what a file declares under a name with what the account has under it: the same for every kind."""

from collections.abc import Callable
from typing import Any, NamedTuple

from marshmallow import ValidationError
from marshmallow.fields import Field

CREATE, CHANGE, NONE = "create", "change", "none"
CHANGES = (CREATE, CHANGE, NONE)


class Declared(NamedTuple):
    """What is declared, or what there is. `meaning`: equal where two mean the same. `fields`: as responses show them,
    without secrets. `id`: of what there is, where its kind has ids."""

    meaning: Any
    fields: dict[str, Any]
    id: str | None = None

    def __repr__(self) -> str:
        return f"Declared({self.id!r})"  # the rest may hold secrets


class Kind(NamedTuple):
    """One kind. `present(name)`: what the caller's account has under a name. `read(name, sent, present)`: what is
    declared; both raise ValidationError or ApiError."""

    present: Callable[[str], Declared | None]
    read: Callable[[str, dict[str, Any], Declared | None], Declared]


def check_name(field: Field, name: str) -> None:
    """Raise ValidationError where the field that takes the name by its own route refuses it."""
    try:
        field.deserialize(name)
    except ValidationError as error:
        raise ValidationError({"name": error.messages}) from None


def verdict(kind: Kind, name: str, sent: dict[str, Any]) -> dict[str, Any]:
    """What becomes of it if it is applied, with its fields before and after."""
    if name in ("", ".", ".."):
        raise ValidationError({"name": ["must be a name that can stand in an address, got none"]})
    present = kind.present(name)
    wanted = kind.read(name, sent, present)
    change = CREATE if present is None else NONE if present.meaning == wanted.meaning else CHANGE
    return {
        "change": change,
        "id": present.id if present else None,
        "before": present.fields if present else None,
        "after": wanted.fields,
    }
