"""Any value that a function returns, as lines for people: a field a line."""

import dataclasses
from enum import Enum

from peewee import Model

from tests.support.table_changes import shown

INSIDE = "    "


def lines_of(value):
    """Lines without an end."""
    parts = _parts(value)
    if parts is None:
        return [_scalar(value)]
    name, members = parts
    lines = [name]
    for label, member in members:
        first, *others = lines_of(member)
        lines.append(f"{INSIDE}{label}{first}")
        lines += [f"{INSIDE}{line}" for line in others]
    return lines


def _scalar(value):
    if isinstance(value, Enum):
        return value.name
    return shown(bytes(value)) if isinstance(value, memoryview) else shown(value)


def _parts(value):
    """The name of what consists of others, and those with their labels; None for what does not."""
    if isinstance(value, Enum) or isinstance(value, str | bytes):
        return None
    if isinstance(value, Model):
        return type(value).__name__, _labeled(value.__data__)
    if hasattr(value, "_asdict"):
        return type(value).__name__, _labeled(value._asdict())
    if dataclasses.is_dataclass(value):
        return type(value).__name__, _labeled(
            {each.name: getattr(value, each.name) for each in dataclasses.fields(value)}
        )
    if isinstance(value, dict):
        return "by name", [(f"{shown(name)}: ", member) for name, member in value.items()]
    if isinstance(value, set | frozenset):
        value = sorted(value, key=str)
    if isinstance(value, list | tuple):
        if all(_parts(each) is None for each in value):
            return ", ".join(map(_scalar, value)) or "nothing", []
        return f"{len(value)} of them", [("- ", each) for each in value]
    return None


def _labeled(fields):
    return [(f"{name}: ", member) for name, member in fields.items() if member is not None]
