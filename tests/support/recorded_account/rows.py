"""Writes the rows of the scenario: instants as how long ago they were, ids by name."""

import json

from peewee import BigAutoField

from models.database.base import BaseModel
from models.database.connection import database, dialect
from models.jobs.job_tables import Attempt, Job, JobLabel, LogEntry, Replay
from models.jobs.log_events import REQUEST_SENT
from models.jobs.records import AttemptRow
from models.rules.clock import DAY, HOUR, MILLISECOND, MINUTE, SECOND
from tests.support.recorded_account.fixed import NOW, uuid_of

COUNTED = [
    table._meta.table_name for table in BaseModel.__subclasses__() if isinstance(table._meta.primary_key, BigAutoField)
]
UNITS = {"d": DAY, "h": HOUR, "m": MINUTE, "s": SECOND, "ms": MILLISECOND, "us": 1}


def us(text):
    """Microseconds of `2h 3m 4.5s`."""
    return sum(_part(part) for part in text.split())


def _part(part):
    unit = part.lstrip("0123456789.")
    return round(float(part.removesuffix(unit)) * UNITS[unit])


def at(text):
    """The instant so long ago, or with `+` in front so long ahead."""
    return NOW + us(text[1:]) if text.startswith("+") else NOW - us(text)


def add_job(account, thing, state, made, due, id, request=None, labels=(), /, body=None, **columns):
    """A job. Columns that end in `_at` or `_until` are given as how long ago, those of others as they are stored."""
    request = {"method": "post", **(request or {})}
    if labels:
        request["labels"] = list(labels)
    instants = {key: at(value) for key, value in columns.items() if isinstance(value, str) and _is_instant(key)}
    row = Job.create(
        id=id,
        uuid=uuid_of(thing),
        account_id=account.id,
        state=state,
        inserted_at=at(made),
        scheduled_at=at(due),
        args=json.dumps(request),
        body=body,
        **columns | instants,
    )
    for label in labels:
        JobLabel.create(account_id=account.id, label=label, inserted_at=row.inserted_at, job_id=row.id)
    return row


def _is_instant(key):
    return key.endswith(("_at", "_until", "start_by"))


def add_attempt(job, number, began, took, late, status=None, reason=None, outcome="answered", next=None, **phases):
    """An attempt. `phases` may say that it is `logged` elsewhere."""
    logged = phases.pop("logged", False)
    began_at = at(began)
    ends = {"finished_at": began_at + us(took), "lateness_us": us(late), "next_at": next and at(next)}
    row = AttemptRow(job.id, number, began_at, outcome=outcome, status_code=status, reason=reason, **ends, **phases)
    Attempt.create(**row._asdict())
    if not logged:
        add_log(
            job,
            f"request {job.id}.{number}",
            REQUEST_SENT,
            began,
            attempt=number,
            method="post",
            url="https://a.example",
        )


def add_log(job, name, event, ago, **payload):
    values = {"uuid": uuid_of(name), "account_id": job.account_id, "job_id": job.id, "schedule_id": job.schedule_id}
    LogEntry.create(**values, event=event, payload=json.dumps(payload), inserted_at=at(ago))


def add_replay(older, newer):
    Replay.create(replay_of=older.id, job_id=newer.id)


def count_on_from(number):
    """The next row of each table with integers gets this one, on either database, also after it was given back."""
    if dialect() == "postgresql":
        anew = ", ".join(f"setval(pg_get_serial_sequence('{name}', 'id'), {number}, false)" for name in COUNTED)
        database.execute_sql(f"SELECT {anew}")
    else:
        database.execute_sql(f"DELETE FROM sqlite_sequence WHERE name IN ({', '.join(map(repr, COUNTED))})")
        rows = ", ".join(f"({name!r}, {number - 1})" for name in COUNTED)
        database.execute_sql(f"INSERT INTO sqlite_sequence (name, seq) VALUES {rows}")
