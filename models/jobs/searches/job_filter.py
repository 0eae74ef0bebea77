"""Declares which jobs a list or an operation is about, and writes its conditions as SQL.

Two kinds of conditions: those that an index of jobs serves, and those by which each row is judged. Every condition
names `job`, so that it holds in joins.
"""

from typing import Any, NamedTuple

from models.database.connection import dialect
from models.database.ids import is_uuid
from models.database.sql import any_of
from models.jobs.states import LATER, WAITING, in_states

UNKNOWN = "unknown"
ANY_NUMBER = 2**62  # of rows
FEW_DUE = 10_000  # jobs; to read so many by the index takes some 20 ms
ANY_END = "*"  # at the end of a label, URL, path or name: whatever follows
LATER_DUE = f"account_id = %s AND kind = %s AND {in_states(LATER)} AND scheduled_at <= %s"
FAILING = ("discarded", "retryable")  # the states in which a job's latest attempt has failed
FAILED_AT = "COALESCE(job.attempted_at, job.inserted_at)"  # of such a job; that of its creation if it had no attempt

Condition = tuple[str, list[Any]]  # SQL and its parameters


class JobFilter(NamedTuple):
    """Which jobs; None does not restrict."""

    kind: str
    state: str | None = None
    after: int | None = None  # inserted at this instant or later
    before: int | None = None  # inserted earlier than this instant
    label: str | None = None  # ANY_END at its end: a label that begins so
    host: str | None = None
    parent: int | str | None = None  # the integer or UUID of the job that they are about
    text: str | None = None  # part of the URL or the name, whatever the case of ASCII letters
    reason: str | None = None  # why the latest attempt of a failed job failed; UNKNOWN for one without a reason
    url: str | None = None  # as it was ordered; ANY_END as above
    path: str | None = None  # of the URL, without its query; ANY_END as above
    name: str | None = None  # ANY_END as above
    schedule: str | None = None  # the UUID or the key of a schedule
    flow: str | None = None  # the key of a flow
    lane: str | None = None  # the key of a lane
    status_code: str | None = None  # of the latest attempt: "503", or "5xx" for all from 500 to 599
    scheduled_after: int | None = None  # due at this instant or later
    scheduled_before: int | None = None  # due earlier than this instant
    failed_after: int | None = None  # discarded or retryable, and failed at this instant or later, see FAILED_AT
    failed_before: int | None = None  # the same, earlier than this instant
    due_by: int | None = None  # waits, and has been due at this instant
    ids: tuple[int, ...] | None = None  # integers
    replayed: bool | None = None  # whether there is a replay of it
    until_id: int | None = None  # the last of the jobs; those made later have greater integers

    @property
    def is_search(self) -> bool:
        """Whether no index leads to exactly these jobs; then they are listed by `inserted_at` and without offset."""
        return any(getattr(self, name) is not None for name in JUDGED)


JUDGED = (
    *("label", "host", "text", "reason", "url", "path", "name", "flow", "lane", "status_code"),
    *("scheduled_after", "scheduled_before", "failed_after", "failed_before", "replayed"),
)


def of_index(account_id: int, job_filter: JobFilter) -> list[Condition]:
    """The conditions that the indexes of jobs serve."""
    return [("job.account_id = %s", [account_id]), *_of_account(account_id, job_filter)]


def of_known(account_id: int, job_filter: JobFilter) -> list[Condition]:
    """The same for jobs whose integers are known. PostgreSQL does not see that an index would serve the account: it
    would go through all of it for jobs that it believes to be few."""
    return [("job.account_id + 0 = %s", [account_id]), *_of_account(account_id, job_filter)]


def _of_account(account_id: int, job_filter: JobFilter) -> list[Condition]:
    return [
        *of_kind(account_id, job_filter),
        *_if_set("job.inserted_at >= %s", job_filter.after),
        *_if_set("job.inserted_at < %s", job_filter.before),
        *_if_set("job.inserted_at < %s", job_filter.failed_before),  # none failed before it was made
        *_if_set("job.id <= %s", job_filter.until_id),
    ]


def of_kind(account_id: int, job_filter: JobFilter) -> list[Condition]:
    """Those of them that the rows of a label leave open. The account is not among them: SQLite would begin with it."""
    return [
        *_if_set("job.kind = %s", job_filter.kind),
        *_if_set("job.state = %s", job_filter.state),
        *_parent(job_filter.parent),
        *_due(job_filter.due_by),
        *_ids(job_filter.ids),
        *_schedule(account_id, job_filter.schedule),
    ]


def of_rows(account_id: int, job_filter: JobFilter, with_label: bool = True) -> list[Condition]:
    """The conditions by which each row is judged. `with_label`: the label is one of them."""
    return [
        *_if_set("job.host = %s", job_filter.host),
        *_text(job_filter.text),
        *_reason(job_filter.reason),
        *_begins("job.name", job_filter.name),
        *_begins(url_sql(), job_filter.url),
        *_path(job_filter.path),
        *_gate(account_id, "flow", job_filter.flow),
        *_gate(account_id, "lane", job_filter.lane),
        *_status(job_filter.status_code),
        *_replayed(job_filter.replayed),
        *_failed(">=", job_filter.failed_after),
        *_failed("<", job_filter.failed_before),
        *_if_set("job.scheduled_at >= %s", job_filter.scheduled_after),
        *_if_set("job.scheduled_at < %s", job_filter.scheduled_before),
        *(_label(job_filter.label) if with_label else []),
    ]


def is_one_label(label: str | None) -> bool:
    """Whether the rows of a single label lead to the jobs."""
    return label is not None and not label.endswith(ANY_END)


def due_rows(account_id: int, job_filter: JobFilter) -> list[Condition]:
    """The conditions of the rows of the index job_account_due, which has what may be due later in the order of time."""
    return [
        ("job.account_id = %s AND job.kind = %s", [account_id, job_filter.kind]),
        (in_states(LATER, "job"), []),
        *_if_set("job.scheduled_at >= %s", job_filter.scheduled_after),
        *_if_set("job.scheduled_at < %s", job_filter.scheduled_before),
    ]


def many_due(account_id: int, kind: str, due_by: int) -> Condition:
    """A statement that gives a row if more than FEW_DUE jobs were to come later and are due by now."""
    sql = f"SELECT 1 FROM job WHERE {LATER_DUE} ORDER BY scheduled_at LIMIT 1 OFFSET {FEW_DUE}"
    return sql, [account_id, kind, due_by]


def due_table(account_id: int, kind: str, due_by: int, few: bool) -> Condition:
    """The jobs of the account that wait and are due, as a table in the place of `job`: each part is read by its index,
    the one as far as the instant. The order of the list would read every job that waits. A bound that is never reached
    keeps the planner from looking through it.

    PostgreSQL takes state and time for independent: where half of all jobs are over, it expects half of those that wait
    to be due, and reads the whole table. `few`: whether at most FEW_DUE are due; a bound beyond it then makes the index
    the cheaper way."""
    later = f"SELECT * FROM job WHERE {LATER_DUE}"
    at_once = [state for state in WAITING if state not in LATER]
    available = f"SELECT * FROM job WHERE account_id = %s AND kind = %s AND {in_states(at_once)}"
    bounded = f"{later} ORDER BY scheduled_at LIMIT {2 * FEW_DUE}" if few else f"{later} LIMIT {ANY_NUMBER}"
    parts = [f"SELECT * FROM ({part}) AS part" for part in (bounded, f"{available} LIMIT {ANY_NUMBER}")]
    return f"({' UNION ALL '.join(parts)}) AS job", [account_id, kind, due_by, account_id, kind]


def label_rows(account_id: int, job_filter: JobFilter) -> list[Condition]:
    """The conditions of the rows of the filter's single label."""
    return [
        ("job_label.account_id = %s AND job_label.label = %s", [account_id, job_filter.label]),
        *_if_set("job_label.inserted_at >= %s", job_filter.after),
        *_if_set("job_label.inserted_at < %s", job_filter.before),
        *_if_set("job_label.inserted_at < %s", job_filter.failed_before),
        *_if_set("job_label.job_id <= %s", job_filter.until_id),
    ]


def joined(conditions: list[Condition]) -> Condition:
    """All of the conditions as one."""
    params = [value for _, values in conditions for value in values]
    return " AND ".join(sql for sql, _ in conditions) or "true", params


def url_sql() -> str:
    return "(job.args::json ->> 'url')" if dialect() == "postgresql" else "json_extract(job.args, '$.url')"


def _if_set(sql: str, value: Any) -> list[Condition]:
    return [] if value is None else [(sql, [value])]


def _begins(column: str, value: str | None) -> list[Condition]:
    """The column is the value, or begins with it where it ends in ANY_END."""
    if value is None or not value.endswith(ANY_END):
        return _if_set(f"{column} = %s", value)
    start = value.removesuffix(ANY_END)
    return [(f"substr({column}, 1, CAST(%s AS INTEGER)) = %s", [len(start), start])]


def _path(path: str | None) -> list[Condition]:
    """A slash is put behind both paths, so that a URL without a path has one."""
    if path is None:
        return []
    place = "strpos" if dialect() == "postgresql" else "instr"
    plain = f"substr({url_sql()}, 1, {place}({url_sql()} || '?', '?') - 1)"
    behind_scheme = f"(substr({plain}, {place}({plain}, '://') + 3) || '/')"
    value = path if path.endswith(ANY_END) else f"{path}/"
    return _begins(f"substr({behind_scheme}, {place}({behind_scheme}, '/'))", value)


def _label(label: str | None) -> list[Condition]:
    return [
        (f"EXISTS (SELECT 1 FROM job_label WHERE job_label.job_id = job.id AND {sql})", values)
        for sql, values in _begins("job_label.label", label)
    ]


def _parent(key: int | str | None) -> list[Condition]:
    if isinstance(key, str):
        return [("job.parent_id = (SELECT subject.id FROM job AS subject WHERE subject.uuid = %s)", [key])]
    return _if_set("job.parent_id = %s", key)


def _due(due_by: int | None) -> list[Condition]:
    """In two parts, each as an index has it: what was due when it was made, and what was due later."""
    if due_by is None:
        return []
    at_once = [state for state in WAITING if state not in LATER]
    due = f"(({in_states(LATER, 'job')} AND job.scheduled_at <= %s) OR {in_states(at_once, 'job')})"
    return [(due, [due_by])]


def _ids(ids: tuple[int, ...] | None) -> list[Condition]:
    if ids is None:
        return []
    these, params = any_of("job.id", ids)
    return [(these, [params])]


def _schedule(account_id: int, key: str | None) -> list[Condition]:
    """A key is looked up; a UUID counts also when its schedule is deleted."""
    if key is None or is_uuid(key):
        return _if_set("job.schedule_id = %s", key)
    named = "SELECT schedule.id FROM schedule WHERE schedule.account_id = %s AND schedule.key = %s"
    return [(f"job.schedule_id = ({named})", [account_id, key])]


def _gate(account_id: int, kind: str, key: str | None) -> list[Condition]:
    if key is None:
        return []
    named = f"SELECT gate.id FROM gate WHERE gate.account_id = %s AND gate.kind = '{kind}' AND gate.key = %s"
    return [(f"job.{kind}_id = ({named})", [account_id, key])]


def _text(text: str | None) -> list[Condition]:
    if text is None:
        return []
    inside = "instr(lower({}), lower(%s)) > 0"
    if dialect() == "postgresql":
        inside = 'position(lower(%s::text COLLATE "C") IN lower({} COLLATE "C")) > 0'
    return [(f"({inside.format(url_sql())} OR {inside.format('job.name')})", [text, text])]


def _reason(reason: str | None) -> list[Condition]:
    if reason is None:
        return []
    failed = f"COALESCE(NULLIF(({_of_latest('reason')}), ''), '{UNKNOWN}') = %s"
    return [(f"{in_states(FAILING, 'job')} AND {failed}", [reason])]


def _failed(sign: str, instant: int | None) -> list[Condition]:
    return _if_set(f"{in_states(FAILING, 'job')} AND {FAILED_AT} {sign} %s", instant)


def _status(status_code: str | None) -> list[Condition]:
    if status_code is None:
        return []
    low, high = (status_code.replace("x", digit) for digit in "09")
    return [(f"({_of_latest('status_code')}) BETWEEN %s AND %s", [int(low), int(high)])]


def _replayed(replayed: bool | None) -> list[Condition]:
    if replayed is None:
        return []
    word = "EXISTS" if replayed else "NOT EXISTS"
    return [(f"{word} (SELECT 1 FROM replay WHERE replay.replay_of = job.id)", [])]


def _of_latest(column: str) -> str:
    """Of the latest attempt; none while an attempt is under way."""
    return f"SELECT attempt.{column} FROM attempt WHERE attempt.job_id = job.id AND attempt.number = job.attempt"
