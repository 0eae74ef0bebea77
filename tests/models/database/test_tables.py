"""Each table class says what its migrated table is, on both databases."""

import pytest

from models.database import schema
from models.database.base import typed_columns
from models.database.connection import database
from models.jobs.job_tables import Attempt, JobLabel
from tests.support.schemas import differences, table_classes

TABLES = table_classes()


def test_each_table_has_one_class(db):
    names = [table._meta.table_name for table in TABLES]
    kept_by_sqlite = {"sqlite_sequence"}
    assert sorted(names) == sorted(set(database.get_tables()) - {schema.TABLE} - kept_by_sqlite)


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.__name__)
def test_each_class_says_what_its_table_is(db, table):
    assert differences(table) == []


@pytest.mark.parametrize(
    ("change", "noticed"),
    [
        ("ALTER TABLE attempt RENAME COLUMN reason TO cause", {"reason", "cause"}),
        ("ALTER TABLE attempt ADD COLUMN added TEXT", {"added"}),
        ("ALTER TABLE attempt DROP COLUMN next_at", {"next_at"}),
        ("CREATE INDEX added_index ON attempt (started_at)", {("started_at",)}),
        ("CREATE UNIQUE INDEX added_index ON attempt (finished_at, outcome)", {("finished_at", "outcome")}),
    ],
)
def test_a_changed_table_differs_from_its_class(db, change, noticed):
    with database.atomic() as changed:
        database.execute_sql(change)
        seen = differences(Attempt)
        changed.rollback()

    assert {difference[2] for difference in seen} == noticed


@pytest.mark.parametrize("db", ["postgresql"], indirect=True)
@pytest.mark.parametrize(
    "change", ["reason TYPE VARCHAR(64)", "number TYPE BIGINT", "reason SET NOT NULL", "outcome DROP NOT NULL"]
)
def test_another_type_or_null_differs_from_the_class(db, change):
    with database.atomic() as changed:
        database.execute_sql(f"ALTER TABLE attempt ALTER COLUMN {change}")
        seen = differences(Attempt)
        changed.rollback()

    assert [(side, kind, name) for side, kind, name, *_ in seen] == [
        (side, "column", change.split()[0]) for side in ("declared", "migrated")
    ]


def test_a_class_gives_its_columns_with_their_types():
    assert typed_columns(JobLabel) == "account_id bigint, label text, inserted_at bigint, job_id bigint"
    assert typed_columns(Attempt, ("total_ms", "number")) == "total_ms float8, number int"
