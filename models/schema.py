"""Owns the versions of the schema: which migrations there are, which are applied, and applying the rest.

Safe to run from several processes at once: PostgreSQL holds an advisory lock, SQLite the writers' lock, so the
second one finds nothing left to do.
"""

from pathlib import Path

from playhouse.migrations import Runner

from models.database import connection, database, dialect, transaction

DIRECTORY = Path(__file__).parent / "migrations"
TABLE = "schema_migration"
LOCK = 0x626F6F70  # any constant shared by all processes


def pending() -> list[str]:
    """The names of the migrations the database lacks, in order."""
    runner = _runner()
    with connection():
        applied = runner.applied()
        return [migration.name for migration in runner.migrations() if migration.name not in applied]


def migrate() -> list[str]:
    """Apply what is pending, all or nothing; returns the names applied."""
    with connection(), transaction():
        if dialect() == "postgresql":
            database.execute_sql("SELECT pg_advisory_xact_lock(%s)", (LOCK,))
        return _runner().up()


def _runner() -> Runner:
    return Runner(database.obj, str(DIRECTORY), table_name=TABLE)
