"""Makes and finds jobs, and reads their attempts and follow-ups. `models/jobs/job_lists.py` lists jobs.

Every query names the account; a job of another account is not found. States are changed by `models/jobs/lifecycle.py`
alone. Of jobs made at once with one idempotency key, the partial unique index `job_idempotency` lets one in; the
callers of the others get that one.
"""

from collections.abc import Sequence
from functools import cache
from operator import itemgetter
from typing import Any, NamedTuple

from models.database import settling
from models.database.base import column_names, typed_columns
from models.database.connection import database, dialect
from models.database.group_commit import GroupCommit
from models.database.ids import new_id
from models.database.sql import any_of, execute, fetch, values_table
from models.database.transactions import transaction, write_turn
from models.jobs import labels
from models.jobs.job_kinds import REQUEST
from models.jobs.job_tables import Job
from models.jobs.records import AttemptRow
from models.jobs.states import NOT_BEGUN, WAITING_SQL, in_states
from models.jobs.transition_counts import count_transition
from models.rules.limits import GateName

KEY_IS_LIVE = f"attempted_at IS NULL AND {in_states(NOT_BEGUN)}"  # as the index job_idempotency has it
INSERTS_TRIED = 100
LARGE_BYTES = 32 * 1024  # a set of larger bodies costs PostgreSQL and us more than one statement for each


class DedupWindow(NamedTuple):
    """For how long a job is made once, and what it is recognized by; see models/jobs/dedup_windows.py."""

    digest: str
    for_us: int


class NewJob(NamedTuple):
    """A job to be made, already checked; see models/jobs/job_tables.py for each column."""

    account_id: int
    args: str
    body: bytes | None
    content_type: str | None
    scheduled_at: int
    name: str | None = None
    description: str | None = None
    idempotency_key: str | None = None
    max_attempts: int = 20
    timeout_ms: int = 30_000
    host: str = ""
    hops: int = 0
    backoff: str | None = None
    retry_until: int | None = None
    redact: str | None = None
    kind: str = REQUEST
    schedule_id: str | None = None
    fire_at: int | None = None
    start_by: int | None = None
    labels: tuple[str, ...] = ()
    notify: str | None = None
    parent_id: int | None = None
    uuid: str | None = None  # None: a fresh one
    after_uuid: str | None = None
    held_until: int | None = None
    endpoint_id: int | None = None
    flow_id: int | None = None
    lane_id: int | None = None
    ack_within_us: int | None = None
    judging: str | None = None
    traceparent: str | None = None
    dedup: DedupWindow | None = None  # None: it is made however often it is ordered
    gates: tuple[GateName, ...] = ()  # what it joins; models/flows/orders.py makes the two ids of it

    def __repr__(self) -> str:
        return f"NewJob(account_id={self.account_id}, kind={self.kind!r})"  # the rest may hold secrets


Ordered = tuple[NewJob, tuple[Any, ...]]  # a job to be made, and the values of WRITTEN


class Inserted(NamedTuple):
    """What the database gave a new row: its integer, and its stamp."""

    id: int
    at: int


class JobRow(NamedTuple):
    """What an owner may see of a job; see models/jobs/job_tables.py for each column."""

    id: int
    uuid: str
    kind: str
    name: str | None
    description: str | None
    idempotency_key: str | None
    schedule_id: str | None
    args: str
    body: bytes | None
    content_type: str | None
    inserted_at: int
    state: str
    scheduled_at: int
    attempted_at: int | None = None
    completed_at: int | None = None
    discarded_at: int | None = None
    cancelled_at: int | None = None

    def __repr__(self) -> str:
        return f"JobRow(id={self.id}, kind={self.kind!r}, state={self.state!r})"  # the rest may hold secrets


SHOWN = ", ".join(JobRow._fields)
COMPUTED = ("uuid", "scheduled_at", "inserted_at", "state")
COPIED = tuple(name for name in NewJob._fields if name in column_names(Job) and name not in COMPUTED)
WRITTEN = (*COMPUTED, *COPIED)
# The place of each value follows from its name, once at import: a dictionary for each job would cost 0.9 of the 12 us
# that a job of a set takes.
_copied_values = itemgetter(*map(NewJob._fields.index, COPIED))
_STORED = (*WRITTEN, "id", None)
_shown_values = itemgetter(*(_STORED.index(name if name in _STORED else None) for name in JobRow._fields))
STAMP = WRITTEN.index("inserted_at")  # its place in a row of WRITTEN
INSERTED = "RETURNING uuid, id, inserted_at"
UNLESS_TAKEN = "ON CONFLICT DO NOTHING "
INSERT = f"INSERT INTO job ({', '.join(WRITTEN)}, attempt, staged_count)"
FIND_LIVE = f"SELECT {SHOWN} FROM job WHERE account_id = %s AND idempotency_key = %s AND {KEY_IS_LIVE}"


def create(new: NewJob, now: int) -> tuple[JobRow, bool]:
    """Store the job; its row and True, or the row that holds its idempotency key already and False."""
    for _ in range(INSERTS_TRIED):
        job = _insert(new, now)
        if job:
            count_transition("created", 1)
            return job, True
        holder = fetch(FIND_LIVE, (new.account_id, new.idempotency_key))
        if holder:
            return shown_row(holder[0]), False
        # The holder of the key was attempted or cancelled in between, so the key is free again.
    raise RuntimeError(f"job not stored: its idempotency key was taken and freed {INSERTS_TRIED} times in a row")


def create_many(new: Sequence[NewJob], now: int) -> list[JobRow | None]:
    """Store many jobs in one transaction, joining the caller's. In their order: the job, or None where a live job holds
    the idempotency key."""
    with transaction():
        jobs = _insert_all([(job, _row(job, now)) for job in new])
        count_transition("created", sum(job is not None for job in jobs))
    return jobs


def readdress(ids: Sequence[int], args: str, host: str) -> int:
    """Give waiting jobs another request line."""
    these, params = any_of("id", ids)
    with transaction():
        return execute(f"UPDATE job SET args = %s, host = %s WHERE {these} AND {WAITING_SQL}", (args, host, params))


def find(account_id: int, key: int | str) -> JobRow | None:
    """The account's job of this integer or UUID."""
    column = "id" if isinstance(key, int) else "uuid"
    rows = fetch(f"SELECT {SHOWN} FROM job WHERE {column} = %s AND account_id = %s", (key, account_id))
    return shown_row(rows[0]) if rows else None


def attempts_of(account_id: int, key: int | str) -> list[AttemptRow] | None:
    """Every attempt of the account's job, first to last; None when there is no such job."""
    job_id = id_of(account_id, key)
    if job_id is None:
        return None
    columns = ", ".join(AttemptRow._fields)
    rows = fetch(f"SELECT {columns} FROM attempt WHERE job_id = %s ORDER BY number", (job_id,))
    return [AttemptRow(*row) for row in rows]


def related_to(account_id: int, key: int | str, limit: int, offset: int) -> list[JobRow] | None:
    """The follow-ups of the account's job, or of a follow-up the job that it is about; oldest first. None when there is
    no such job."""
    job_id = id_of(account_id, key)
    if job_id is None:
        return None
    # The sign keeps SQLite from reading all jobs of the account instead of the few that are related.
    rows = fetch(
        f"SELECT {SHOWN} FROM job WHERE +account_id = %s AND ((parent_id = %s AND kind <> '{REQUEST}') OR id = (SELECT "
        f"follow_up.parent_id FROM job AS follow_up WHERE follow_up.id = %s AND follow_up.kind <> '{REQUEST}')) "
        "ORDER BY id LIMIT %s OFFSET %s",
        (account_id, job_id, job_id, limit, offset),
    )
    return [shown_row(row) for row in rows]


def id_of(account_id: int, key: int | str) -> int | None:
    """The integer of the account's job of this integer or UUID."""
    column = "id" if isinstance(key, int) else "uuid"
    rows = fetch(f"SELECT id FROM job WHERE {column} = %s AND account_id = %s", (key, account_id))
    return rows[0][0] if rows else None


def ids_of(account_id: int, keys: Sequence[int | str]) -> tuple[int, ...]:
    """The integers of those of the account's jobs that these integers and UUIDs name, ascending."""
    integers, ids = any_of("id", [key for key in keys if isinstance(key, int)])
    texts, uuids = any_of("uuid", [key for key in keys if isinstance(key, str)], "uuid")
    of_account = "SELECT id FROM job WHERE {} AND account_id = %s"
    rows = [
        *fetch(of_account.format(integers), (ids, account_id)),
        *fetch(of_account.format(texts), (uuids, account_id)),
    ]
    return tuple(sorted({row[0] for row in rows}))


def shown_row(row: Sequence[Any]) -> JobRow:
    """A row of SHOWN."""
    return JobRow(*row)


def _insert(new: NewJob, now: int) -> JobRow | None:
    ordered = new, _row(new, now)
    if _may_be_taken(new) or len(new.body or b"") > LARGE_BYTES or database.in_transaction():
        return _insert_all([ordered])[0]
    return _at_once.write(new.account_id, ordered)


def _insert_all(ordered: Sequence[Ordered]) -> list[JobRow | None]:
    """Insert jobs, each with its row, in one transaction. In their order: the job, or None for one that is taken."""
    rows, may_be_taken = [row for _, row in ordered], any(_may_be_taken(new) for new, _ in ordered)
    with transaction() if any(new.labels for new, _ in ordered) else write_turn():
        inserted = _insert_rows(rows, may_be_taken)
        jobs = [_job_row(row, inserted.get(row[0])) for row in rows]
        labels.add([label for (new, _), job in zip(ordered, jobs, strict=True) for label in _label_rows(new, job)])
    return jobs


_at_once = GroupCommit(_insert_all)  # by account: a connection that breaks fails the creates of one account


def _label_rows(new: NewJob, job: JobRow | None) -> list[tuple[int, str, int, int]]:
    return [(new.account_id, label, job.inserted_at, job.id) for label in new.labels] if job else []


def _row(new: NewJob, now: int) -> tuple[Any, ...]:
    """The values of WRITTEN; the first is the UUID."""
    due = max(new.scheduled_at, now)
    return (new.uuid or new_id(), due, now, "scheduled" if due > now else "available", *_copied_values(new))


def _may_be_taken(new: NewJob) -> bool:
    """Whether another job may hold what only one may have. To look for one takes PostgreSQL a quarter of an insert."""
    return not (new.uuid is None and new.idempotency_key is None and new.fire_at is None)


def _insert_rows(rows: Sequence[tuple[Any, ...]], may_be_taken: bool) -> dict[str, Inserted | None]:
    """What was inserted, by the UUID of the row."""
    if dialect() == "postgresql" and len(rows) > 1:
        return _insert_set(rows, may_be_taken)
    return {row[0]: _insert_one(row, may_be_taken) for row in rows}


def _insert_one(row: tuple[Any, ...], may_be_taken: bool) -> Inserted | None:
    before, behind = row[: STAMP + 1], row[STAMP + 1 :]
    inserted = fetch(_insert_one_sql(dialect(), may_be_taken), (*before, settling.earliest(), *behind))
    return Inserted(*inserted[0][1:]) if inserted else None


def _insert_set(rows: Sequence[tuple[Any, ...]], may_be_taken: bool) -> dict[str, Inserted | None]:
    source, params = values_table(typed_columns(Job, WRITTEN), rows)
    sql = _insert_sql(f"SELECT {_values(list(WRITTEN))}, 0, 0 FROM {source} AS input", may_be_taken)
    return {uuid: Inserted(*inserted) for uuid, *inserted in fetch(sql, (settling.earliest(), *params))}


@cache
def _insert_one_sql(_dialect: str, may_be_taken: bool) -> str:
    return _insert_sql(f"VALUES ({_values(['%s'] * len(WRITTEN))}, 0, 0)", may_be_taken)


def _insert_sql(source: str, may_be_taken: bool) -> str:
    return f"{INSERT} {source} {UNLESS_TAKEN if may_be_taken else ''}{INSERTED}"


def _values(expressions: list[str]) -> str:
    """The values of a row to insert, in the order of WRITTEN; the stamp may be raised."""
    return ", ".join(settling.raised(each) if place == STAMP else each for place, each in enumerate(expressions))


def _job_row(row: tuple[Any, ...], inserted: Inserted | None) -> JobRow | None:
    """What an owner sees of a row just inserted; None for one that was not."""
    if inserted is None:
        return None
    return JobRow._make(_shown_values((*row, inserted.id, None)))._replace(inserted_at=inserted.at)
