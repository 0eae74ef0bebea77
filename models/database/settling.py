"""Settles instants: says until when a list in the order of stamps is complete, so that a cursor passes over no row.

A row gets its stamp first and is committed later, so a row with a later stamp may be visible before one with an earlier
stamp. Whoever follows the list by cursor would then never see the earlier one. Two rules prevent that. A stamp is at
most SETTLE_US older than the instant at which its row is written: an older one is raised (`raised`). And the list ends
SETTLE_US before now, and before the beginning of every transaction that is writing (`settled_until`). On PostgreSQL the
clock of the database decides, so differences between the clocks of hosts do no harm.
"""

from models.database.connection import database, dialect
from models.database.sql import fetch
from models.rules import clock

SETTLE_US = clock.SECOND

NOW = "(date_part('epoch', clock_timestamp()) * 1000000)::bigint"  # as a double, which is exact enough and quick
# The instant at which a session began what it writes. A statement that has not written yet may be about to: then the
# start of the statement counts. Sessions of other programs do not count.
OLDEST_WRITE = (
    "SELECT (extract(epoch FROM LEAST(statement_timestamp(), "
    "min(CASE WHEN backend_xid IS NULL THEN query_start ELSE xact_start END))) * 1000000)::bigint "
    "FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() "
    "AND application_name = current_setting('application_name') AND (backend_xid IS NOT NULL OR state = 'active')"
)


def raised(stamp: str) -> str:
    """The SQL of an instant, at least the earliest that may be written now. Takes `earliest()` as a parameter behind
    those of `stamp`."""
    if dialect() == "sqlite":
        return f"MAX({stamp}, %s)"
    return f"GREATEST({stamp}, {NOW} - %s)"


def earliest() -> int:
    """The parameter of `raised`: on SQLite an instant, to be computed in the turn to write; on PostgreSQL how far it
    lies before the database's clock."""
    if dialect() == "sqlite":
        return clock.now() - SETTLE_US
    return SETTLE_US + clock.behind_us()


def settled_until() -> int:
    """Every row with an earlier stamp that will ever be committed can be seen already."""
    if dialect() == "sqlite":
        return (database.obj.writes_since or clock.now()) - SETTLE_US
    [[at]] = fetch(OLDEST_WRITE)
    return int(at) - earliest()
