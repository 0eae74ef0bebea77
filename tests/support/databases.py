"""The databases of the tests: names, emptying, one that is away, and those that killed runs left behind."""

import contextlib
from functools import cache

import psycopg

from models.database import schema
from models.database.connection import close_all, database, open_database
from tests.support.services import POSTGRES_URL

RUN = "booper tests"  # the application name of the session that each run keeps until its end
AWAY = "postgresql://nobody@127.0.0.1:1/nowhere"
LARGE = 256 * 1024  # octets
SEQUENCES = """
SELECT CAST(refobjid::regclass AS text), CAST(sequence.oid::regclass AS text)
FROM pg_class AS sequence JOIN pg_depend ON objid = sequence.oid WHERE relkind = 'S' AND deptype IN ('a', 'i')
"""
ANEW = """
of_ticker AS (UPDATE ticker SET seen_at = 0, delivered_until = 0),
of_operator_watch AS (UPDATE operator_watch SET watcher = '', looked_at = 0)
"""
LEFT_BEHIND = """
SELECT datname FROM pg_database WHERE datname ~ '^booper_test_[0-9]{1,9}$'
AND substr(datname, 13)::int NOT IN (SELECT pid FROM pg_stat_activity WHERE application_name = %s)
"""


@contextlib.contextmanager
def own_database():
    """A database of this run's own, dropped at the end; gives its URL. A run that is killed drops nothing: the name is
    that of a session that lasts as long as the run, so that a later run can tell whether to drop it."""
    with psycopg.connect(POSTGRES_URL, autocommit=True, connect_timeout=5, application_name=RUN) as session:
        drop_left_behind(session)
        name = f"booper_test_{session.info.backend_pid}"
        session.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
        session.execute(f"CREATE DATABASE {name}")
        session.execute(f"ALTER DATABASE {name} SET synchronous_commit TO off")
        yield POSTGRES_URL.rpartition("/")[0] + f"/{name}"
        session.execute(f"DROP DATABASE {name} WITH (FORCE)")


def drop_left_behind(session):
    """Drop the databases of runs that are gone; another run may be doing the same."""
    for (name,) in session.execute(LEFT_BEHIND, (RUN,)).fetchall():
        with contextlib.suppress(psycopg.Error):
            session.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


def end_abandoned_transactions(url):
    """End the transactions that are open in a database. One whose client took it for silent lasts until the server
    notices."""
    with psycopg.connect(url, autocommit=True, connect_timeout=5) as session:
        session.execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid() AND xact_start IS NOT NULL"
        )


def go_away():
    """From now on the database does not answer."""
    if database.obj is not None:
        close_all()
    open_database(AWAY)


def empty_tables():
    """Empty the tables that hold rows, and count from 1 again. To truncate a table takes longer than most tests, so
    only large ones are truncated; a delete leaves the old rows in the file."""
    filled = dict(database.execute_sql(_sizes_of_filled()).fetchall())
    if any(size > LARGE for size in filled.values()):
        database.execute_sql(f"TRUNCATE {', '.join(filled)} RESTART IDENTITY CASCADE")
        filled = {}
    deletes = "".join(f", of_{name} AS (DELETE FROM {name})" for name in filled)  # noqa: S608
    counts = ", ".join(f"setval('{sequence}', 1, false)" for table, sequence in _sequences() if table in filled)
    # in one statement, so that it does not matter which refers to which
    database.execute_sql(f"WITH {ANEW}{deletes} SELECT {counts or 1}")


@cache
def _sequences():
    """Each table that counts, with its sequence. To look for these takes longer than to set them back."""
    return database.execute_sql(SEQUENCES).fetchall()


@cache
def _sizes_of_filled():
    """Finds the tables with rows, and the octets of each. The tables are the same in all databases of a run."""
    names = [name for name in database.get_tables() if name not in ("ticker", "operator_watch", schema.TABLE)]
    return " UNION ALL ".join(
        f"SELECT '{name}', pg_relation_size('{name}') WHERE EXISTS (SELECT 1 FROM {name})"  # noqa: S608
        for name in names
    )
