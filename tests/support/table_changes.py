"""What an action changed in the tables: rows that are new, rows that are gone, and columns with another value."""

import json
import re
from contextlib import suppress
from typing import NamedTuple

from models.database.sql import fetch

ABOUT = ("subject", "name", "schedule_id", "gate_id", "parent_id", "job_id", "incident_id")
FEW = 5  # cells
COMPACT = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))


WRITES = re.compile(r'(?:INSERT(?: OR \w+)? INTO|UPDATE|DELETE FROM)\s+"?(\w+)"?')


class Contents(NamedTuple):
    """The rows of a table by their keys, as tuples of `columns`."""

    table: type
    columns: tuple
    rows: dict


def read(tables):
    """What these tables hold, by their names."""
    return {table._meta.table_name: _contents(table) for table in tables}


def written_by(sql, tables):
    """Those of the tables that the statement may write, by their names."""
    return {name for name in WRITES.findall(sql) if name in tables}


def _contents(table):
    columns = tuple(table._meta.columns)
    rows = [tuple(map(_plain, row)) for row in fetch(f"SELECT {', '.join(columns)} FROM {table._meta.table_name}")]
    keys = [columns.index(name) for name in key_of(table)]
    if keys:
        return Contents(table, columns, {tuple(row[place] for place in keys): row for row in rows})
    return Contents(table, columns, {(*row, rows[:number].count(row)): row for number, row in enumerate(rows)})


def key_of(table):
    """The columns of its primary key; none if it has no such key."""
    key = table._meta.primary_key
    if not key:
        return ()
    names = key.field_names if hasattr(key, "field_names") else [key.name]
    return tuple(table._meta.fields[name].column_name for name in names)


def _plain(value):
    if value is None or isinstance(value, int | float | str):
        return value
    return bytes(value) if isinstance(value, memoryview | bytes) else str(value)


def changes(before, after, usual):
    """Lines for each row that differs, by table and key. `usual`: values of new rows that are not shown, by table."""
    lines = []
    for name, contents in after.items():
        known = before[name].rows
        if known == contents.rows:
            continue
        last = []
        for key in sorted(known.keys() | contents.rows.keys(), key=lambda key: _order(key, known, contents)):
            title = f"{name} {' '.join(map(str, key))}"
            old, new = known.get(key), contents.rows.get(key)
            if old is None:
                cells = _cells(contents.table, contents.columns, new, usual.get(name, {}))
                lines += _of_new(title, cells, last)
                last = cells
            elif old != new:
                lines += _of_old(title, contents.columns, old, new)
    return lines


def _of_new(title, cells, last):
    """The cells of a new row; if it is much like the one before, those that differ."""
    fresh, missing = (
        [cell for cell in cells if cell not in last],
        {_column(cell) for cell in last} - set(map(_column, cells)),
    )
    if len(fresh) > len(cells) / 2 or len(cells) < FEW:
        return [f"+ {title}", *cells]
    return [f"+ {title}, as the one before but", *fresh, *(f"{column} null" for column in sorted(missing))]


def _column(cell):
    return cell.partition(":")[0]


def _order(key, known, contents):
    """New rows come last, those about the same thing in the order in which they were made: which of two things a
    database looks at first is its own affair."""
    if key in known:
        return (0, [], _sortable(key))
    row = contents.rows[key]
    about = [row[contents.columns.index(name)] for name in ABOUT if name in contents.columns]
    return (1, _sortable(about), _sortable(key))


def _sortable(values):
    return [(value is None, isinstance(value, str), value) for value in values]


def _of_old(title, columns, old, new):
    if new is None:
        return [f"- {title}"]
    changed = [
        f"    {column}: {shown(was)} → {shown(now)}"
        for column, was, now in zip(columns, old, new, strict=True)
        if was != now
    ]
    return [f"~ {title}", *changed]


def _cells(table, columns, values, usual):
    """What a new row has besides its key, defaults, zeros and what is usual."""
    fields = table._meta.columns
    keys = key_of(table)
    return [
        f"    {column}{part}: {text}"
        for column, value in zip(columns, values, strict=True)
        if column not in keys and value not in (None, 0, fields[column].default) and value != usual.get(column)
        for part, text in members(value)
    ]


def members(value):
    """A JSON object in bytes by its members, if that shows it exactly."""
    if isinstance(value, bytes):
        with suppress(ValueError):
            parsed = json.loads(value)
            if isinstance(parsed, dict) and COMPACT.encode(parsed).encode() == value:
                return [(f".{name}", COMPACT.encode(member)) for name, member in parsed.items()]
    return [("", shown(value))]


def shown(value):
    if isinstance(value, bytes):
        return f"bytes {value.decode('utf-8', 'backslashreplace')}"
    return "null" if value is None else str(value).replace("\n", "\\n")
