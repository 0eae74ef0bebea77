"""Sets of rows arrive in the database as they were, whatever their values; what fits no column is refused."""

import uuid

import pytest
from peewee import DataError

from models.database.binary_arrays import ELEMENTS
from models.database.sql import any_of, fetch, values_table

A, B = str(uuid.uuid4()), str(uuid.uuid4())
COLUMNS = {
    "bigint": [0, -1, 2**63 - 1, -(2**63)],
    "int": [0, 2**31 - 1, -(2**31)],
    "float8": [0.5, -1e300, 3.0],
    "text": ["", "naïve ✓ \U0001f600", 'quote " \\ { , } NULL'],
    "bytea": [b"", bytes(range(256))],
    "uuid": [A, B],
}
postgres = pytest.mark.parametrize("db", ["postgresql"], indirect=True)


def stored(sql_type, values):
    """The values as the database sees them in a column of a set of rows."""
    table, params = values_table(f"number bigint, value {sql_type}", list(enumerate(values)))
    return [row[0] for row in fetch(f"SELECT value FROM {table} AS input ORDER BY number", params)]


def test_each_type_has_samples_here():
    assert COLUMNS.keys() == ELEMENTS.keys()


@postgres
@pytest.mark.parametrize("sql_type", COLUMNS)
def test_values_of_each_type_arrive_as_they_were(db, sql_type):
    values = COLUMNS[sql_type]
    some_null, same = [None, *values, None], values[-1:] * 3

    assert stored(sql_type, values) == values
    assert stored(sql_type, some_null) == some_null
    assert stored(sql_type, same) == same
    assert stored(sql_type, [None, None]) == [None, None]


def test_rows_arrive_on_both_databases(db):
    rows = [(1, "a", None), (2, "", 0.5), (3, None, None)]
    table, params = values_table("number bigint, word text, share float8", rows)

    assert sorted(fetch(f"SELECT number, word, share FROM {table} AS input", params)) == rows


def test_any_of_finds_its_values_and_none_without_values(db):
    numbers = "(SELECT 1 AS id UNION ALL SELECT 2 UNION ALL SELECT 3) AS numbers"
    for wanted in ([1, 3], [3], []):
        these, params = any_of("id", wanted)
        assert [row[0] for row in fetch(f"SELECT id FROM {numbers} WHERE {these} ORDER BY id", (params,))] == wanted


@postgres
@pytest.mark.parametrize(("sql_type", "value"), [("bigint", 2**63), ("int", 2**31), ("bigint", "7"), ("uuid", "x")])
def test_a_value_that_does_not_fit_its_column_is_refused_like_one_that_the_database_refuses(db, sql_type, value):
    with pytest.raises(DataError, match=sql_type):
        stored(sql_type, [value])


@postgres
@pytest.mark.parametrize("text", ["a\0b", "\ud800"])
def test_text_that_postgresql_cannot_store_is_refused(db, text):
    with pytest.raises(DataError):
        stored("text", [text, "other"])


def test_a_uuid_is_read_as_its_text_on_both_databases(db):
    cast = f"CAST('{A}' AS uuid)" if db == "postgresql" else f"'{A}'"
    assert fetch(f"SELECT {cast}") == [(A,)]
