"""Any value that a function returns, as lines for people: a field a line."""

import dataclasses
from enum import Enum

from peewee import Model

from tests.support.table_changes import shown

INSIDE = "    "
SHORT = 230


def lines_of(value):
    """Lines without an end."""
    parts = _parts(value)
    if parts is None:
        return [_scalar(value)]
    name, members = parts
    lines = [name]
    for label, member in members:
        first, *others = _short(member) or lines_of(member)
        lines.append(f"{INSIDE}{label}{first}")
        lines += [f"{INSIDE}{line}" for line in others]
    return lines


def _short(value):
    """A part in one line, if it is short and has no parts of its own."""
    name, members = _parts(value) or ("", [])
    if not members or not all(_parts(member) is None for _, member in members):
        return None
    line = f"{name} {', '.join(f'{label}{_scalar(member)}' for label, member in members)}"
    return [line] if len(line) < SHORT else None


def _scalar(value):
    if isinstance(value, Enum):
        return value.name
    return shown(bytes(value)) if isinstance(value, memoryview) else shown(value)


def _parts(value):
    """The name of what consists of others, and those with their labels; None for what does not."""
    if isinstance(value, Enum | str | bytes):
        return None
    fields = _fields_of(value)
    if fields is not None:
        return type(value).__name__, [(f"{name}: ", member) for name, member in fields.items() if member is not None]
    if isinstance(value, dict):
        return "by name", [(f"{shown(name)}: ", value[name]) for name in sorted(value, key=str)]
    if isinstance(value, set | frozenset):
        value = sorted(value, key=str)
    if isinstance(value, list | tuple):
        if all(_parts(each) is None for each in value):
            return ", ".join(map(_scalar, value)) or "nothing", []
        return f"{len(value)} of them", [("- ", each) for each in value]
    return None


def _fields_of(value):
    if isinstance(value, Model):
        return value.__data__
    if hasattr(value, "_asdict"):
        return value._asdict()
    if dataclasses.is_dataclass(value):
        return {each.name: getattr(value, each.name) for each in dataclasses.fields(value)}
    return None
