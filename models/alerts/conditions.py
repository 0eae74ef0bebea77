"""Declares what alert rules look for and where, and says what an event of a schedule means to a rule. Pure.

`options` of a rule is a JSON object of the fields of Options that differ from their defaults.
"""

import json
from typing import NamedTuple

from models.rules.clock import HOUR, MINUTE
from models.schedules.health_events import BEGUN, DISABLED, SUCCEEDED
from models.schedules.health_events import FAILED as JOB_FAILED
from models.schedules.health_events import MISSED as INSTANT_MISSED

FAILED, MISSED, LATE, LONG, SILENT, WAITING = "failed", "missed", "late", "long", "silent", "waiting"
CONDITIONS = (FAILED, MISSED, LATE, LONG, SILENT, WAITING)
RECOVERED = "recovered"  # no condition: whether the end of an incident is sent, too
ON = (*CONDITIONS, RECOVERED)
ON_BY_DEFAULT = (FAILED, MISSED, RECOVERED)
ACCOUNT, SCHEDULE, LABEL, HOST, FLOW = "account", "schedule", "label", "host", "flow"
SCOPES = (ACCOUNT, SCHEDULE, LABEL, HOST, FLOW)
OPERATOR = 0  # in the place of a rule and its account: an incident of Booper itself (models/operations/operator_alerts)
TICKER, SENDERS, WORKER, BROKER = "ticker", "senders", "worker", "broker"
BACKLOG, MAIL, DISK, DATABASE = "backlog", "mail", "disk", "database"
TROUBLES = (TICKER, SENDERS, WORKER, BROKER, BACKLOG, MAIL, DISK, DATABASE)  # the conditions of such incidents


class Quiet(NamedTuple):
    """The hours of each day in which nothing is sent, in minutes after midnight in a time zone. If `start` is after
    `end`, they last over midnight."""

    start: int
    end: int
    timezone: str


class Options(NamedTuple):
    """The thresholds of a rule, and when its messages are sent.

    `after`: how many jobs in a row have to fail. With `share` it counts instead how many of the jobs fail that end
    within `within_us`, if those are `at_least` so many. Spans in microseconds, beyond which a condition holds: how late
    a job starts, how long a request takes, how long a gate holds a job back, how long no job completes. `repeat_us`:
    how often an open incident is sent again; None: never."""

    after: int = 1
    share: float | None = None
    within_us: int = HOUR
    at_least: int = 5
    late_after_us: int = 5 * MINUTE
    long_after_us: int = 10 * MINUTE
    waiting_after_us: int = 10 * MINUTE
    silent_after_us: int = 25 * HOUR
    repeat_us: int | None = None
    quiet: Quiet | None = None


class Rule(NamedTuple):
    """An enabled rule as it is evaluated. `scope_gate_id`: of a flow that exists."""

    id: int
    uuid: str
    account_id: int
    name: str
    types: frozenset[str]
    scope_kind: str
    scope_key: str
    options: Options
    muted_until: int | None
    scope_gate_id: int | None = None


class Watched(NamedTuple):
    """The parts of a schedule that a scope may name."""

    id: str
    account_id: int
    title: str
    host: str
    labels: frozenset[str]
    flow_id: int | None


class HealthEvent(NamedTuple):
    """See models/schedules/schedule_tables.py for each column."""

    id: int
    schedule_id: str
    type: str
    at: int
    number: int
    reason: str | None
    host: str | None


class Window(NamedTuple):
    """A time before an instant `until`, which belongs to it."""

    schedule_id: str
    until: int
    span_us: int


class Ends(NamedTuple):
    """How many jobs ended, and how many of these failed."""

    jobs: int
    failed: int


def options_of(text: str) -> Options:
    """The options from the column."""
    fields = json.loads(text)
    known = {name: value for name, value in fields.items() if name in Options._fields}
    if known.get("quiet"):
        known["quiet"] = Quiet(*known["quiet"])
    return Options(**known)


def options_text(options: Options) -> str:
    """The options as the column has them."""
    return json.dumps({name: value for name, value in options._asdict().items() if value != getattr(Options(), name)})


def covers(rule: Rule, schedule: Watched) -> bool:
    """Whether the schedule is in the scope of the rule."""
    if rule.account_id != schedule.account_id:
        return False
    return {
        ACCOUNT: True,
        SCHEDULE: rule.scope_key == schedule.id,
        LABEL: rule.scope_key in schedule.labels,
        HOST: rule.scope_key == schedule.host,
        FLOW: rule.scope_gate_id is not None and rule.scope_gate_id == schedule.flow_id,
    }[rule.scope_kind]


def window_of(rule: Rule, event: HealthEvent) -> Window | None:
    """The window whose jobs decide what the event means to the rule; None: the event alone does."""
    if rule.options.share is None or FAILED not in rule.types or event.type not in (JOB_FAILED, SUCCEEDED):
        return None
    return Window(event.schedule_id, event.at, rule.options.within_us)


def begins(rule: Rule, event: HealthEvent, ends: Ends) -> str | None:
    """The condition that holds from this event on; None: none begins. `ends`: of the jobs in its window."""
    if event.type == JOB_FAILED and _fails(rule, event, ends) or event.type == DISABLED:
        condition = FAILED
    elif event.type == INSTANT_MISSED:
        condition = MISSED
    elif event.type == BEGUN and _is_late(rule, event):
        condition = LATE
    else:
        return None
    return condition if condition in rule.types else None


def ended(rule: Rule, event: HealthEvent, ends: Ends) -> tuple[str, ...]:
    """The conditions that do not hold any more after this event. `ends`: of the jobs in its window."""
    if event.type == SUCCEEDED:
        return (SILENT,) if _is_share_reached(rule, ends) else (FAILED, SILENT)
    if event.type == BEGUN:
        return (MISSED,) if _is_late(rule, event) else (MISSED, LATE)
    return ()


def _fails(rule: Rule, event: HealthEvent, ends: Ends) -> bool:
    if rule.options.share is None:
        return event.number >= rule.options.after
    return _is_share_reached(rule, ends)


def _is_share_reached(rule: Rule, ends: Ends) -> bool:
    share, at_least = rule.options.share, rule.options.at_least
    return share is not None and ends.jobs >= at_least and ends.failed >= share * ends.jobs


def _is_late(rule: Rule, event: HealthEvent) -> bool:
    return event.number > rule.options.late_after_us
