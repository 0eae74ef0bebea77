"""Owns what all tables share: the database they live in and the form of a UUID column."""

from typing import Any

from peewee import Field, Model

from models.database.connection import database


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
