"""Puts the state into an empty database."""

from models.database.connection import database, dialect
from models.database.sql import execute
from tests.support.rich import alerts, gates, jobs, schedules, settings
from tests.support.rich.jobs import at
from tests.support.rich.numbers import BASES, COUNTED, FRESH


def put():
    """All rows, each by its own integer; then those that come count from FRESH on."""
    with database.atomic():
        for part in (settings, jobs, schedules, gates, alerts):
            for table, rows in part.rows().items():
                table.insert_many(rows).execute()
        execute("UPDATE ticker SET seen_at = %s, delivered_until = %s WHERE id = 1", (at(s=-9), at(s=-8)))
        execute("UPDATE operator_watch SET watcher = 'watcher-1', looked_at = %s WHERE id = 1", (at(s=-20),))
        if dialect() == "sqlite":
            execute(f"INSERT INTO sqlite_sequence (name, seq) SELECT name, 0 FROM ({_missing()})")
        count_anew()


def count_anew():
    """Let the rows of an action have the same integers whatever was made before."""
    if dialect() == "sqlite":
        cases = " ".join(f"WHEN '{name}' THEN {BASES[name] + FRESH}" for name in COUNTED)
        execute(f"UPDATE sqlite_sequence SET seq = CASE name {cases} ELSE seq END")
        return
    calls = ", ".join(f"setval('{name}_id_seq', {BASES[name] + FRESH})" for name in COUNTED)
    execute(f"SELECT {calls}")


def _missing():
    names = " UNION ALL ".join(f"SELECT '{name}' AS name" for name in COUNTED)
    return f"SELECT name FROM ({names}) WHERE name NOT IN (SELECT name FROM sqlite_sequence)"
