"""Compares the table classes with the tables that the migrations made."""

import importlib
import pkgutil

import models
from models.database.base import BaseModel
from models.database.connection import database, dialect

TYPES = {
    "postgresql": {
        **{"BIGAUTO": "bigint", "BIGINT": "bigint", "INT": "integer", "FLOAT": "double precision"},
        **{"TEXT": "text", "VARCHAR": "character varying", "BLOB": "bytea", "UUID": "uuid"},
    },
    "sqlite": {
        **{"BIGAUTO": "integer", "BIGINT": "bigint", "INT": "integer", "FLOAT": "real"},
        **{"TEXT": "text", "VARCHAR": "varchar(64)", "BLOB": "blob", "UUID": "text"},
    },
}


def table_classes():
    """Every class that declares a table, in the order of the tables' names."""
    for module in pkgutil.walk_packages(models.__path__, "models."):
        if "migrations" not in module.name:
            importlib.import_module(module.name)
    return sorted(BaseModel.__subclasses__(), key=lambda table: table._meta.table_name)


def differences(table):
    """What the class declares and the database lacks ("declared"), or has otherwise ("migrated"), sorted."""
    declared, migrated = _declared(table), _migrated(table._meta.table_name)
    lacking = [("declared", *fact) for fact in declared - migrated]
    return sorted([*lacking, *[("migrated", *fact) for fact in migrated - declared]], key=str)


def _declared(table):
    keys = {field.column_name for field in table._meta.get_primary_keys()}
    columns = {
        ("column", name, TYPES[dialect()][field.field_type], field.null) for name, field in table._meta.columns.items()
    }
    fields = [(field.column_name, field.unique) for field in table._meta.sorted_fields if field.index or field.unique]
    indexes = {("index", (name,), unique) for name, unique in fields if {name} != keys}
    indexes |= {("index", names, unique) for names, unique in table._meta.indexes}
    foreign = {("foreign key", field.column_name, field.rel_model._meta.table_name) for field in table._meta.refs}
    return {*columns, *indexes, *foreign, ("primary key", *sorted(keys))}


def _migrated(name):
    """Partial indexes and those on expressions are not compared: they stand in the migrations alone."""
    keys = tuple(sorted(database.get_primary_keys(name)))
    columns = {
        ("column", column.name, column.data_type.lower(), column.null and column.name not in keys)
        for column in database.get_columns(name)
    }
    whole = [index for index in database.get_indexes(name) if " WHERE " not in (index.sql or "")]
    indexes = {("index", tuple(index.columns), bool(index.unique)) for index in whole}
    indexes = {index for index in indexes if tuple(sorted(index[1])) != keys}
    foreign = {("foreign key", key.column, key.dest_table) for key in database.get_foreign_keys(name)}
    return {*columns, *indexes, *foreign, ("primary key", *keys)}
