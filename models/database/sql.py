"""Writes SQL that both databases run: sets of rows and values as parameters, locks, and the call itself."""

import json
from collections.abc import Sequence
from typing import Any

from models.database.binary_arrays import binary_array
from models.database.connection import database, dialect


def values_table(columns: str, rows: Sequence[tuple[Any, ...]]) -> tuple[str, list[Any]]:
    """A set of rows as a table expression whose text does not depend on their number.

    `columns`: "id bigint, claim_id bigint, note text". Returns SQL for use as `FROM {sql} AS input` and its parameters.
    Thanks to the constant text PostgreSQL keeps one prepared plan for sets of any size.
    """
    typed_names = [column.split() for column in columns.split(", ")]
    if dialect() == "postgresql":
        columns_of = zip(typed_names, zip(*rows, strict=True), strict=True)
        return _unnest(typed_names), [binary_array(sql_type, values) for (_, sql_type), values in columns_of]
    members = ", ".join(f"value ->> {index} AS {name}" for index, (name, _) in enumerate(typed_names))
    return f"(SELECT {members} FROM json_each(%s))", [json.dumps(rows)]


def _unnest(typed_names: list[list[str]]) -> str:
    arrays = ", ".join(f"%b::{sql_type}[]" for _, sql_type in typed_names)
    names = ", ".join(name for name, _ in typed_names)
    return f"(SELECT * FROM unnest({arrays}) AS u({names}))"


def any_of(column: str, values: Sequence[Any], sql_type: str = "bigint") -> tuple[str, Any]:
    """The condition that a column of this type holds one of the values, and its parameter.

    Rejected: a join with a sub-select. PostgreSQL's planner, misled by statistics of a partial index that was nearly
    empty, then runs the sub-select once a row.
    """
    if dialect() == "postgresql":
        return f"{column} = ANY(%b::{sql_type}[])", binary_array(sql_type, values)
    return f"{column} IN (SELECT value FROM json_each(%s))", json.dumps(list(values))


def list_of(select: str) -> str:
    """A list as one value of a row: what a SELECT gives in its only column, `value`. `as_list` reads it."""
    if dialect() == "postgresql":
        return f"ARRAY({select})"
    return f"(SELECT json_group_array(value) FROM ({select}))"


def as_list(value: Any) -> list[Any]:
    """The members of a value that `list_of` made."""
    members: list[Any] = json.loads(value) if isinstance(value, str) else value
    return members


def skipping_locked(strength: str = "UPDATE") -> str:
    """For the end of a SELECT: lock its rows, and leave out rows that another session holds instead of waiting.
    `strength`: see `for_update`.

    A session that is frozen or cut off inside a transaction must not stop duties that look after all jobs.
    """
    return f" FOR {strength} SKIP LOCKED" if dialect() == "postgresql" else ""


def unlocked(
    table: str,
    ids: Sequence[int],
    guard: str,
    values: Sequence[Any] = (),
    choice: str = "true",
    choice_values: Sequence[Any] = (),
) -> tuple[str, list[Any]]:
    """The condition that a row of the table has one of the ids, meets the guard and is held by no other session; and
    its parameters. `values`: those of the guard. `choice`: a further condition, looked at once a row.

    For updates that must not wait: a row that a frozen process or an operator holds would hold up all the others. Nor
    can two such updates of the same rows, in whatever orders, wait for one another.
    """
    these, params = any_of(f"{table}.id", ids)
    if dialect() == "sqlite":
        return f"{these} AND {guard} AND {choice}", [params, *values, *choice_values]
    free = f"SELECT id FROM {table} WHERE {these} AND {guard} AND {choice}{skipping_locked()}"
    return f"{table}.id = ANY(ARRAY({free})) AND {guard}", [params, *values, *choice_values, *values]


def lock_free(table: str, ids: Sequence[int]) -> tuple[list[int], list[int]]:
    """Lock those of the rows that no other session holds until the transaction ends: their ids, and those that another
    session holds."""
    these, params = any_of("id", ids)
    rows = f"SELECT id FROM {table} WHERE {these}"
    free = [row[0] for row in fetch(f"{rows}{skipping_locked()}", (params,))]
    return free, [row[0] for row in fetch(rows, (params,)) if row[0] not in set(free)]


def for_update(strength: str = "UPDATE") -> str:
    """For the end of a SELECT: lock its rows until the transaction ends. On SQLite the transaction is the lock.

    `strength`: as PostgreSQL names it. "KEY SHARE" only keeps the row there, and "NO KEY UPDATE" suffers it."""
    return f" FOR {strength}" if dialect() == "postgresql" else ""


def fetch(sql: str, params: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
    """All rows of the statement, as tuples."""
    return database.execute_sql(sql, params).fetchall()


def execute(sql: str, params: Sequence[Any] = ()) -> int:
    """Run the statement; the number of rows it changed."""
    return database.execute_sql(sql, params).rowcount
