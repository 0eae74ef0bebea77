"""Gives all table classes their database, the form of a UUID column, and their columns as SQL.

A class derived from BaseModel is the one declaration of its table. The migrations make the tables, and a test compares
the two on both databases.
"""

from collections.abc import Callable
from functools import cache
from typing import Any, TypeVar

from peewee import Field, Model

from models.database.connection import database

Row = TypeVar("Row")
SQL_TYPES = {
    "BIGAUTO": "bigint",
    "BIGINT": "bigint",
    "INT": "int",
    "FLOAT": "float8",
    "TEXT": "text",
    "VARCHAR": "text",
    "BLOB": "bytea",
    "UUID": "uuid",
}


class UuidText(Field):
    """A UUID as its 36-character text, on PostgreSQL in the native type."""

    field_type = "UUID"

    def db_value(self, value: Any) -> Any:
        return None if value is None else str(value)

    def python_value(self, value: Any) -> Any:
        return None if value is None else str(value)


class BaseModel(Model):
    class Meta:
        database = database
        legacy_table_names = False


@cache
def column_names(table: type[Model]) -> tuple[str, ...]:
    """The columns of a table, in the order of their declaration."""
    return tuple(table._meta.columns)


@cache
def typed_columns(table: type[Model], names: tuple[str, ...] = ()) -> str:
    """These columns of a table (by default all of them) in the form of `values_table`: "job_id bigint, number int"."""
    types = {name: SQL_TYPES[field.field_type] for name, field in table._meta.columns.items()}
    return ", ".join(f"{name} {types[name]}" for name in names or types)


def read_rows(row_type: Callable[..., Row], query: Any) -> list[Row]:
    """The rows of a SELECT in this type, whose fields are named like the columns selected."""
    return [row_type(**values) for values in query.dicts()]
