"""Owns what clients ask of the jobs: making, finding, and reading what was tried. Lists are
`models/jobs/job_lists.py`'s, cancelling is `models/operations/cancelling.py`'s.

Every question names the account; a job of another account is not found. States are changed by
`models/jobs/lifecycle.py` alone. Of jobs made at once with one idempotency key, the partial unique index
`job_idempotency` lets one in; the others get that one.
"""

from collections.abc import Sequence
from operator import itemgetter
from typing import Any, NamedTuple

from models.database.connection import dialect
from models.database.ids import new_id
from models.database.sql import fetch, values_table
from models.database.transactions import transaction, write_turn
from models.jobs import labels
from models.jobs.job_tables import REQUEST
from models.jobs.records import AttemptRow
from models.jobs.states import in_states
from models.jobs.transition_counts import count_transition

KINDS = (REQUEST, "callback", "event", "channel")
KEY_IS_LIVE = f"attempted_at IS NULL AND {in_states(('available', 'scheduled'))}"  # as the index job_idempotency has it
INSERTS_TRIED = 100


class NewJob(NamedTuple):
    """An order that has been checked. `args` and `body` as in models/jobs/job_tables.py."""

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

    def __repr__(self) -> str:
        return f"NewJob(account_id={self.account_id}, kind={self.kind!r})"  # the rest may hold secrets


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
WRITTEN = (
    "uuid uuid, account_id bigint, kind text, name text, description text, idempotency_key text, schedule_id uuid, "
    "args text, body bytea, content_type text, max_attempts int, timeout_ms int, host text, hops int, backoff text, "
    "retry_until bigint, redact text, fire_at bigint, start_by bigint, notify text, parent_id bigint, after_uuid uuid, "
    "held_until bigint, inserted_at bigint, state text, scheduled_at bigint"
)
NAMES = ", ".join(column.split()[0] for column in WRITTEN.split(", "))
# Where in a row written stands what is shown: all but the id before, and the stamps of a later time behind.
_shown_as_written = itemgetter(*(NAMES.split(", ").index(name) for name in JobRow._fields if name in NAMES.split(", ")))
INSERT = f"INSERT INTO job ({NAMES}, attempt, staged_count) "
INSERT_ONE = (
    f"{INSERT} VALUES ({', '.join(['%s'] * len(WRITTEN.split(', ')))}, 0, 0) ON CONFLICT DO NOTHING RETURNING id"
)
FIND_LIVE = f"SELECT {SHOWN} FROM job WHERE account_id = %s AND idempotency_key = %s AND {KEY_IS_LIVE}"


def create(new: NewJob, now: int) -> tuple[JobRow, bool]:
    """Store the job; its row and True, or the row that holds its idempotency key already and False."""
    for _ in range(INSERTS_TRIED):
        made = _insert(new, now)
        if made:
            count_transition("created", 1)
            return made, True
        holder = fetch(FIND_LIVE, (new.account_id, new.idempotency_key))
        if holder:
            return shown_row(holder[0]), False
        # The holder of the key was attempted or cancelled in between, so the key is free again.
    raise RuntimeError(f"job not stored: its idempotency key was taken and freed {INSERTS_TRIED} times in a row")


def create_many(new: Sequence[NewJob], now: int) -> list[JobRow | None]:
    """Store many jobs in one transaction, joining the caller's; in the order given, None for those whose idempotency
    key a live job holds."""
    rows = [_row(each, now) for each in new]
    with transaction():
        ids = _insert_set(rows) if dialect() == "postgresql" else {row[0]: _insert_one(row) for row in rows}
        count_transition("created", sum(job_id is not None for job_id in ids.values()))
        made = [_made(row, ids.get(row[0])) for row in rows]
        labels.add([row for each, job in zip(new, made, strict=True) if job for row in _labels(each, job)])
    return made


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


def _insert(new: NewJob, now: int) -> JobRow | None:
    row = _row(new, now)
    with transaction() if new.labels else write_turn():
        made = _made(row, _insert_one(row))
        labels.add(_labels(new, made) if made else [])
    return made


def _labels(new: NewJob, made: JobRow) -> list[tuple[int, str, int, int]]:
    return [(new.account_id, label, made.inserted_at, made.id) for label in new.labels]


def _row(new: NewJob, now: int) -> tuple[Any, ...]:
    """The values of WRITTEN, in its order; the first is the UUID."""
    due = max(new.scheduled_at, now)
    state = "scheduled" if due > now else "available"
    told = (new.kind, new.name, new.description, new.idempotency_key, new.schedule_id)
    sent = (new.args, new.body, new.content_type)
    limits = (new.max_attempts, new.timeout_ms, new.host, new.hops, new.backoff, new.retry_until, new.redact)
    follows = (new.fire_at, new.start_by, new.notify, new.parent_id, new.after_uuid, new.held_until)
    return (new.uuid or new_id(), new.account_id, *told, *sent, *limits, *follows, now, state, due)


def _insert_one(row: tuple[Any, ...]) -> int | None:
    made = fetch(INSERT_ONE, row)
    return made[0][0] if made else None


def _insert_set(rows: Sequence[tuple[Any, ...]]) -> dict[str, int]:
    """The id of each row that was inserted, by its UUID."""
    if not rows:
        return {}
    given, params = values_table(WRITTEN, rows)
    sql = f"{INSERT} SELECT {NAMES}, 0, 0 FROM {given} AS given ON CONFLICT DO NOTHING RETURNING uuid, id"
    return {str(uuid): job_id for uuid, job_id in fetch(sql, params)}


def _made(row: tuple[Any, ...], job_id: int | None) -> JobRow | None:
    """What an owner sees of a row just inserted; None for one that was not."""
    if job_id is None:
        return None
    return JobRow(job_id, *_shown_as_written(row))


def id_of(account_id: int, key: int | str) -> int | None:
    """The integer of the account's job of this integer or UUID."""
    column = "id" if isinstance(key, int) else "uuid"
    rows = fetch(f"SELECT id FROM job WHERE {column} = %s AND account_id = %s", (key, account_id))
    return rows[0][0] if rows else None


def shown_row(row: Sequence[Any]) -> JobRow:
    """A row of SHOWN."""
    job = JobRow(*row)
    # PostgreSQL gives UUID objects, SQLite texts.
    return job._replace(uuid=str(job.uuid), schedule_id=job.schedule_id and str(job.schedule_id))
