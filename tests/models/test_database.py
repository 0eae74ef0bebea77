"""What becomes of a transaction whose database refuses."""

import pytest
from peewee import OperationalError

from models.database import close_all, database, open_database, transaction


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
