"""Each table class says what its migrated table is, on both databases."""

from typing import get_type_hints

import pytest

from models.accounts.account_store import Owner
from models.accounts.account_tables import Account
from models.database import schema
from models.database.base import column_names, typed_columns
from models.database.connection import database
from models.database.ids import new_id
from models.flows.gate_tables import Gate
from models.flows.gates import Gate as GateRow
from models.jobs import job_store
from models.jobs.job_store import JobRow, NewJob
from models.jobs.job_tables import Attempt, Job, JobLabel, LogEntry
from models.jobs.log_entries import LogEntryRow
from models.jobs.records import AttemptRow, LogRow
from models.operations.heartbeat_tables import MinuteStat, QueueDepth, Worker
from models.operations.heartbeats import Depths, MinuteRow, WorkerRow
from models.rules import clock
from models.schedules.firing_rows import FiringRow
from models.schedules.overlap import LockedSchedule
from models.schedules.planning import Planned
from models.schedules.ready_jobs import ReadyJob
from models.schedules.schedule_memory import ScheduleMemory
from models.schedules.schedule_store import ScheduleRow
from models.schedules.schedule_tables import Firing, Schedule
from models.webhooks.channels import Message
from models.webhooks.webhook_tables import ChannelMessage
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


PYTHON_TYPES = {
    **{"BIGAUTO": int, "BIGINT": int, "INT": int, "FLOAT": float},
    **{"TEXT": str, "VARCHAR": str, "UUID": str, "BLOB": bytes},
}
ROWS = [  # a row type, its table, and the fields that differ from the column, because a query sees to it
    (Owner, Account, set()),
    (Message, ChannelMessage, set()),
    (AttemptRow, Attempt, set()),
    (LogRow, LogEntry, set()),
    (LogEntryRow, LogEntry, set()),
    (NewJob, Job, {"labels", "uuid", "gates", "dedup"}),
    (JobRow, Job, set()),
    (WorkerRow, Worker, set()),
    (Depths, QueueDepth, set()),
    (MinuteRow, MinuteStat, set()),
    (FiringRow, Firing, set()),
    (ScheduleRow, Schedule, set()),
    (GateRow, Gate, set()),
    (ScheduleMemory, Schedule, set()),
    (Planned, Schedule, {"next_at"}),
    (LockedSchedule, Schedule, set()),
    (ReadyJob, Job, {"schedule_id", "fire_at"}),
]


def python_type(field):
    name = PYTHON_TYPES[field.field_type]
    return name | None if field.null else name


@pytest.mark.parametrize(("row", "table", "own"), ROWS, ids=lambda value: getattr(value, "__name__", ""))
def test_each_row_type_has_the_types_of_its_columns(row, table, own):
    fields = {name: kind for name, kind in get_type_hints(row).items() if name not in own}
    assert fields == {name: python_type(table._meta.columns[name]) for name in fields}


@pytest.mark.parametrize(
    ("row", "table"), [(AttemptRow, Attempt), (LogRow, LogEntry), (FiringRow, Firing), (MinuteRow, MinuteStat)]
)
def test_a_row_that_is_inserted_has_every_column(row, table):
    assert set(row._fields) == set(column_names(table))


def test_what_a_job_is_made_of_is_stored_in_columns_of_the_same_names(account):
    texts = ("args", "content_type", "name", "description", "idempotency_key", "host", "backoff", "redact", "notify")
    texts += ("judging", "traceparent")
    numbers = (
        "max_attempts",
        "timeout_ms",
        "hops",
        "retry_until",
        "fire_at",
        "start_by",
        "parent_id",
        "held_until",
        "endpoint_id",
        "flow_id",
        "lane_id",
        "ack_within_us",
    )
    values = {name: name for name in texts} | {name: 10 + number for number, name in enumerate(numbers)}
    ids = {name: new_id() for name in ("uuid", "schedule_id", "after_uuid")}
    now = clock.now()
    values |= {**ids, "account_id": account.id, "kind": "event", "body": b"body", "scheduled_at": now + 1}

    single = job_store.create(NewJob(**values), now)[0]
    [in_a_set] = job_store.create_many(
        [NewJob(**(values | {"uuid": new_id(), "idempotency_key": None, "fire_at": 1}))], now
    )

    assert [job_store.find(account.id, job.id) for job in (single, in_a_set)] == [single, in_a_set]
    row = Job.get_by_id(single.id)
    assert set(NewJob._fields) == {*values, "labels", "gates", "dedup"}
    assert {name: getattr(row, name) for name in values} == values
    second = {name: getattr(Job.get_by_id(in_a_set.id), name) for name in values}
    assert second == values | {"uuid": in_a_set.uuid, "idempotency_key": None, "fire_at": 1}
