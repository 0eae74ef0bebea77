"""Finds the conditions that no event marks: silent schedules, requests that run long, gates that hold jobs back.

The ticker asks again and again, by one statement for each rule and condition. The statement leaves out what has an open
incident already, so its time depends on what is new. What is over is found among the open incidents alone.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from models.alerts import conditions, incident_rows, scopes
from models.alerts.conditions import LONG, SILENT, WAITING, Rule
from models.alerts.evaluation import all_rules, watched_schedule
from models.alerts.exclusive import is_alone
from models.alerts.incident_rows import Begin, Key
from models.alerts.messages import duration
from models.database.connection import dialect
from models.database.sql import fetch
from models.database.transactions import transaction
from models.jobs.states import WAITING_SQL
from models.rules.limits import ACCOUNT, FLOW, HOST

POLLED = (LONG, SILENT, WAITING)
AT_ONCE = 1000  # of a rule
NOT_OPEN = (
    "NOT EXISTS (SELECT 1 FROM incident_subject AS open WHERE open.subject = {subject} AND open.type = %s "
    "AND open.alert_id = %s AND open.ended_at IS NULL)"
)
SCHEDULE_COLUMNS = ", ".join(f"schedule.{name}" for name in ("id", "account_id", "name", "key", "args", "template"))
IS_LONG = "job.schedule_id IS NOT NULL AND job.lease_until IS NOT NULL AND job.attempted_at <= %s"
HELD_SINCE = f"(SELECT min(job.scheduled_at) FROM job WHERE job.parked_by = gate.id AND job.{WAITING_SQL})"


class Search(NamedTuple):
    """The parts of a statement that finds schedules: where they are, what holds of them, and since when."""

    source: str
    holds: str
    since: str


SILENT_SINCE = "CASE WHEN succeeded_at > enabled_at THEN succeeded_at ELSE enabled_at END"
IS_SILENT = f"disabled_at IS NULL AND next_at IS NOT NULL AND {SILENT_SINCE} <= %s"
SILENT_ONES = Search("schedule", IS_SILENT, SILENT_SINCE)
# SQLite joins in this order. By itself it read all jobs of all schedules of an account.
LONG_ONES = Search("job CROSS JOIN schedule", f"{IS_LONG} AND schedule.id = job.schedule_id", "job.attempted_at")


def poll(now: int) -> None:
    """Open and close incidents of long requests and waiting jobs."""
    _change(lambda rule: [*_long(rule, now), *_waiting(rule, now)], lambda rules: _ended(rules, now), now)


def poll_silence(now: int) -> None:
    """Open incidents of silent schedules, and close those of schedules that are gone. It reads all schedules of an
    account, so it is done less often."""
    _change(lambda rule: [*_silent(rule, now)], lambda _: _gone(), now)


def _change(
    find_begun: Callable[[Rule], list[Begin]], find_ended: Callable[[list[Rule]], Iterable[Key]], now: int
) -> None:
    rules = [rule for rule in all_rules() if rule.types & set(POLLED)]
    if not rules and not fetch("SELECT 1 FROM incident WHERE closed_at IS NULL LIMIT 1"):
        return
    with transaction():
        if not is_alone():
            return
        begun = [begin for rule in rules for begin in find_begun(rule)]
        ended = list(find_ended(rules))
        incident_rows.begin(begun, now)
        incident_rows.end([(key, now) for key in ended], now)


def _silent(rule: Rule, now: int) -> Iterator[Begin]:
    after_us = rule.options.silent_after_us
    return _begun(rule, SILENT, SILENT_ONES, after_us, f"none of its jobs has completed for {duration(after_us)}", now)


def _long(rule: Rule, now: int) -> Iterator[Begin]:
    after_us = rule.options.long_after_us
    return _begun(rule, LONG, LONG_ONES, after_us, f"a request of it has been under way for {duration(after_us)}", now)


def _begun(rule: Rule, condition: str, search: Search, after_us: int, detail: str, now: int) -> Iterator[Begin]:
    """The schedules in the scope for which the condition holds and has no open incident yet."""
    if condition not in rule.types:
        return
    not_open, (in_scope, params) = NOT_OPEN.format(subject=_text("schedule.id")), scopes.schedules_of(rule)
    rows = fetch(
        f"SELECT {SCHEDULE_COLUMNS}, {search.since} FROM {search.source} "
        f"WHERE {search.holds} AND {not_open} AND {in_scope} LIMIT {AT_ONCE}",
        (now - after_us, condition, rule.id, *params),
    )
    for *columns, since in rows:
        schedule = watched_schedule(columns)
        about = f"schedule:{schedule.id}"
        yield Begin(rule, condition, schedule.id, about, schedule.title, detail, since + after_us)


def _waiting(rule: Rule, now: int) -> Iterator[Begin]:
    """The gates that have held back a job for too long. If the scope is a flow or a host, only that one."""
    after_us, kind = rule.options.waiting_after_us, rule.scope_kind
    if WAITING not in rule.types or kind in (conditions.SCHEDULE, conditions.LABEL):
        return
    is_of_one = kind in (FLOW, HOST)
    where, params = ("gate.kind = %s AND gate.key = %s", [kind, rule.scope_key]) if is_of_one else ("true", [])
    subject = f"'gate:' || {_text('gate.id')}"
    rows = fetch(
        f"SELECT * FROM (SELECT gate.id AS id, gate.kind, gate.key, {HELD_SINCE} AS since FROM gate "
        f"WHERE gate.account_id = %s AND {where} AND {NOT_OPEN.format(subject=subject)}) AS held "
        f"WHERE since <= %s LIMIT {AT_ONCE}",
        (rule.account_id, *params, WAITING, rule.id, now - after_us),
    )
    for gate_id, gate_kind, key, since in rows:
        title = "the account" if gate_kind == ACCOUNT else f"{gate_kind} {key}"
        detail = f"a job has waited there for {duration(after_us)}"
        subject = f"gate:{gate_id}"
        yield Begin(rule, WAITING, subject, subject, title, detail, since + after_us)


def _ended(rules: list[Rule], now: int) -> Iterator[Key]:
    """The open conditions that do not hold any more. Silence ends with an event."""
    for rule in rules:
        if LONG in rule.types:
            yield from _over(rule, LONG, f"job.schedule_id = {_schedule_id()} AND {IS_LONG}", "job", now)
        if WAITING in rule.types:
            held = f"open.subject = 'gate:' || {_text('gate.id')} AND {HELD_SINCE} <= %s"
            yield from _over(rule, WAITING, held, "gate", now)


def _over(rule: Rule, condition: str, holds: str, table: str, now: int) -> Iterator[Key]:
    after_us = rule.options.long_after_us if condition == LONG else rule.options.waiting_after_us
    rows = fetch(
        "SELECT subject FROM incident_subject AS open WHERE open.alert_id = %s AND open.type = %s "
        f"AND open.ended_at IS NULL AND NOT EXISTS (SELECT 1 FROM {table} WHERE {holds})",
        (rule.id, condition, now - after_us),
    )
    for (subject,) in rows:
        yield Key(rule.id, condition, subject)


def _gone() -> Iterator[Key]:
    """The open conditions of deleted schedules, and the silence of schedules that are disabled or finished."""
    of_schedule = f"schedule WHERE schedule.id = {_schedule_id()}"
    rows = fetch(
        "SELECT alert_id, type, subject FROM incident_subject AS open WHERE open.ended_at IS NULL "
        f"AND open.subject NOT LIKE '%%:%%' AND (NOT EXISTS (SELECT 1 FROM {of_schedule}) "
        f"OR (open.type = '{SILENT}' AND EXISTS (SELECT 1 FROM {of_schedule} "
        "AND (disabled_at IS NOT NULL OR next_at IS NULL))))"
    )
    return (Key(*row) for row in rows)


def _schedule_id() -> str:
    """The schedule that a subject is, in the type of an id, so that indexes of ids serve."""
    if dialect() == "sqlite":
        return "open.subject"
    return "CASE WHEN open.subject LIKE '%%:%%' THEN NULL ELSE CAST(open.subject AS UUID) END"


def _text(column: str) -> str:
    return f"CAST({column} AS TEXT)" if dialect() == "postgresql" else column
