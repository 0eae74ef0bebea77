"""Applies migrations: which there are, which are applied, and applying the rest.

Several processes may migrate at once: PostgreSQL holds an advisory lock and SQLite the writers' lock, so the second
process finds nothing left to do.
"""

import time
from collections.abc import Callable
from pathlib import Path

from playhouse.migrations import Runner

from models.database import large_indexes
from models.database.connection import Unreachable, connection, database, dialect, without_limits
from models.database.transactions import transaction, wait_briefly_for_locks, waited_for_a_lock

DIRECTORY = Path(__file__).parent / "migrations"
TABLE = "schema_migration"
LOCK = 0x626F6F70  # any constant shared by all processes
TRIES, PAUSE_S = 60, 3.0  # for tables that another session holds: five minutes


class TableIsHeld(Exception):
    """Another session held a table that a migration changes, whenever this one tried."""

    def __init__(self) -> None:
        super().__init__(
            f"another session held a table each of the {TRIES} times: nothing is changed; end the transaction that "
            "holds it (pg_stat_activity shows those with an old xact_start), then run `booper migrate` again"
        )


def pending() -> list[str]:
    """The names of the migrations the database lacks, in order."""
    with connection():
        return lacking()


def migrate(
    on_applied: Callable[[str], None] = lambda _name: None,
    on_building: Callable[[str], None] = lambda _name: None,
    on_waiting: Callable[[], None] = lambda: None,
) -> list[str]:
    """Apply what is pending, all or nothing, then build the indexes of large tables; returns the names applied.
    `on_applied` is called after each of them, and before the commit; `on_building` before each index is built;
    `on_waiting` when another session holds a table, before all is tried again. Raises TableIsHeld in the end."""
    names = _apply_when_free(on_applied, on_waiting)
    large_indexes.build(_large_indexes(), on_building)
    return names


def _apply_when_free(on_applied: Callable[[str], None], on_waiting: Callable[[], None]) -> list[str]:
    """A migration that waits for a table keeps those from it who come later, so it gives up soon and comes back."""
    for _ in range(TRIES):
        try:
            return _apply(on_applied)
        except Unreachable as error:
            if not waited_for_a_lock(error):
                raise
            on_waiting()
            time.sleep(PAUSE_S)
    raise TableIsHeld


def _apply(on_applied: Callable[[str], None]) -> list[str]:
    with connection(), transaction(), without_limits():
        if dialect() == "postgresql":
            database.execute_sql("SELECT pg_advisory_xact_lock(%s)", (LOCK,))
        names = lacking()
        wait_briefly_for_locks()
        for name in names:
            _runner().up(name)
            on_applied(name)
        return names


def _large_indexes() -> list[str]:
    modules = [migration.load() for migration in _runner().migrations()]
    return [statement for module in modules for statement in getattr(module, "LARGE_INDEXES", ())]


def lacking() -> list[str]:
    """As `pending`, for a thread that is connected."""
    runner = _runner()
    applied = runner.applied()
    return [migration.name for migration in runner.migrations() if migration.name not in applied]


def _runner() -> Runner:
    return Runner(database.obj, str(DIRECTORY), table_name=TABLE)
