"""What becomes of a transaction whose database refuses, and which refusals pass."""

import pytest
from peewee import OperationalError

from models.database import Unreachable, close_all, database, open_database, transaction


@pytest.fixture
def sqlite(tmp_path):
    open_database(f"sqlite:///{tmp_path}/test.db")
    yield
    close_all()


def rolled_back_by_sqlite():
    """As it does by itself when the disk is full at the commit."""
    with transaction():
        database.execute_sql("ROLLBACK")
        raise OperationalError("database or disk is full")


def test_what_ended_a_transaction_is_told_when_sqlite_has_rolled_back_already(sqlite):
    with pytest.raises(OperationalError, match="disk is full"):
        rolled_back_by_sqlite()
    with transaction():
        database.execute_sql("CREATE TABLE afterwards (id INTEGER)")


def test_a_database_that_is_read_only_for_now_counts_as_unreachable(account, db):
    """In a fail-over; the recorder once gave up what had been answered meanwhile, so all of it was sent again."""
    database.execute_sql("PRAGMA query_only = 1" if db == "sqlite" else "SET default_transaction_read_only = on")
    with pytest.raises(Unreachable), transaction():
        database.execute_sql("UPDATE account SET name = 'other'")
    database.execute_sql("PRAGMA query_only = 0" if db == "sqlite" else "SET default_transaction_read_only = off")
    with transaction():
        database.execute_sql("UPDATE account SET name = 'other'")
