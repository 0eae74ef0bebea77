"""A migration whose table another session holds: it gives up soon, so that nobody waits behind it, and comes back."""

from types import SimpleNamespace

import psycopg
import pytest

from models.database import schema, transactions
from models.database.connection import database
from models.database.sql import execute, fetch

pytestmark = pytest.mark.parametrize("db", ["postgresql"], indirect=True)


@pytest.fixture
def changes_jobs(db, monkeypatch):
    """A migration is pending that needs the table of jobs for itself."""
    runner = SimpleNamespace(up=lambda _name: execute("ALTER TABLE job ADD COLUMN of_the_test BIGINT"))
    monkeypatch.setattr(schema, "_runner", lambda: runner)
    monkeypatch.setattr(schema, "lacking", lambda: ["0099_of_the_test"])
    monkeypatch.setattr(schema, "_large_indexes", list)
    monkeypatch.setattr(transactions, "BRIEFLY_MS", 10)
    yield
    execute("ALTER TABLE job DROP COLUMN IF EXISTS of_the_test")


@pytest.fixture
def reader(db):
    """Another session that has read jobs and not ended its transaction."""
    with psycopg.connect(str(database.obj.database)) as session:
        session.execute("SELECT 1 FROM job")
        yield session


def is_applied():
    return bool(fetch("SELECT 1 FROM information_schema.columns WHERE column_name = 'of_the_test'"))


def test_a_migration_tries_again_once_the_table_is_free(changes_jobs, reader, monkeypatch):
    waits = []
    monkeypatch.setattr(schema, "time", SimpleNamespace(sleep=lambda _: reader.rollback()))

    names = schema.migrate(on_waiting=lambda: waits.append(is_applied()))

    assert (names, waits, is_applied()) == (["0099_of_the_test"], [False], True)


def test_a_migration_whose_table_stays_held_changes_nothing_and_ends(changes_jobs, reader, monkeypatch):
    tries = []
    monkeypatch.setattr(schema, "time", SimpleNamespace(sleep=tries.append))

    with pytest.raises(schema.TableIsHeld, match="nothing is changed"):
        schema.migrate()

    assert (len(tries), is_applied()) == (schema.TRIES, False)


def test_a_migration_of_a_free_table_waits_for_nobody(changes_jobs):
    waits = []

    schema.migrate(on_waiting=lambda: waits.append(True))

    assert (waits, is_applied()) == ([], True)
