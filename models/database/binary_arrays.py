"""Encodes arrays for PostgreSQL in its binary form, by the type of their column.

psycopg would find out the type of each value and write it by calls through three classes. The type of a column is
known, so here a value costs one call, and a column that holds one value throughout costs one in all.
"""

import struct
from collections.abc import Callable, Sequence
from typing import Any
from uuid import UUID

from peewee import DataError
from psycopg.adapt import Dumper
from psycopg.pq import Format

# Of an array: one dimension, whether it has nulls, the type of its elements, their number, the first index.
_HEAD = struct.Struct(">5i")
_EMPTY = struct.Struct(">3i")
_LENGTH = struct.Struct(">i").pack
_NULL = _LENGTH(-1)
_INT4, _INT8, _FLOAT8 = struct.Struct(">ii").pack, struct.Struct(">iq").pack, struct.Struct(">id").pack


class BinaryArray(bytes):
    """An encoded array, as the parameter of a statement."""


class BinaryArrayDumper(Dumper):
    """Passes a BinaryArray on; the cast in the statement says which type it has."""

    format = Format.BINARY

    def dump(self, obj: BinaryArray) -> BinaryArray:
        return obj


def _bytes(value: bytes) -> bytes:
    return _LENGTH(len(value)) + value


def _text(value: str) -> bytes:
    encoded = value.encode()
    return _LENGTH(len(encoded)) + encoded


def _uuid(value: str | UUID) -> bytes:
    return b"\0\0\0\x10" + (value.bytes if isinstance(value, UUID) else bytes.fromhex(value.replace("-", "")))


# Of each type: its number in PostgreSQL, and how an element is written: its length, then its bytes.
ELEMENTS: dict[str, tuple[int, Callable[[Any], bytes]]] = {
    "bigint": (20, lambda value: _INT8(8, value)),
    "int": (23, lambda value: _INT4(4, value)),
    "float8": (701, lambda value: _FLOAT8(8, value)),
    "text": (25, _text),
    "bytea": (17, _bytes),
    "uuid": (2950, _uuid),
}


def binary_array(sql_type: str, values: Sequence[Any]) -> BinaryArray:
    """The values as an array of this type, one of ELEMENTS; None is null."""
    oid, element = ELEMENTS[sql_type]
    if not values:
        return BinaryArray(_EMPTY.pack(0, 0, oid))
    try:
        encoded, has_nulls = _encoded(element, values)
    except (struct.error, ValueError) as error:
        raise DataError(f"no array of {sql_type}: {error}") from error
    return BinaryArray(_HEAD.pack(1, has_nulls, oid, len(values), 1) + encoded)


def _encoded(element: Callable[[Any], bytes], values: Sequence[Any]) -> tuple[bytes, bool]:
    """The elements, and whether some are null."""
    first = values[0]
    if values.count(first) == len(values):
        return (_NULL if first is None else element(first)) * len(values), first is None
    if None in values:
        return b"".join([_NULL if value is None else element(value) for value in values]), True
    return b"".join(map(element, values)), False
