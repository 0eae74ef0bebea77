"""Evaluates alert rules: reads what happened to schedules, in its order, and opens and closes incidents.

Its time depends on what happened, not on how many schedules or rules there are. One session evaluates at a time; an
event and what follows from it are one transaction, so neither a crash nor a second ticker loses or repeats a change.
"""

import json
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any

from models.alerts import incident_rows, shares
from models.alerts.conditions import FLOW, HealthEvent, Rule, Watched, begins, covers, ended, options_of, window_of
from models.alerts.exclusive import is_alone
from models.alerts.incident_rows import Begin, Key
from models.alerts.messages import duration
from models.alerts.shares import Ends, Window
from models.database.sql import any_of, execute, fetch
from models.database.transactions import transaction
from models.jobs.attempt_reasons import in_words

AT_ONCE = 1000
NO_ENDS = Ends(0, 0)
RULES = (
    "SELECT alert.id, alert.uuid, alert.account_id, alert.name, alert.types, alert.scope_kind, alert.scope_key, "
    "alert.options, alert.muted_until, gate.id FROM alert LEFT JOIN gate ON gate.account_id = alert.account_id "
    f"AND gate.kind = '{FLOW}' AND alert.scope_kind = '{FLOW}' AND gate.key = alert.scope_key WHERE alert.enabled = 1"
)


def evaluate(now: int) -> int:
    """Evaluate some of what happened; returns how many events that was. 0: nothing is left, or another session
    evaluates."""
    if not fetch("SELECT 1 FROM health_event LIMIT 1"):
        return 0
    with transaction():
        if not is_alone():
            return 0
        events = _first_of_each_schedule()
        watched = watched_schedules({event.schedule_id for event in events})
        changes = _Changes(rules_where("account_id", {each.account_id for each in watched.values()}), events, watched)
        changes.add_all()
        incident_rows.begin(changes.begun, now)
        incident_rows.end(changes.ended, now)
        these, params = any_of("id", [event.id for event in events])
        execute(f"DELETE FROM health_event WHERE {these}", (params,))
    return len(events)


def all_rules() -> list[Rule]:
    """The enabled rules of all accounts."""
    return [_rule(row) for row in fetch(f"{RULES} ORDER BY alert.id")]


def rules_where(column: str, ids: Collection[int]) -> list[Rule]:
    """The enabled rules whose `id` or `account_id` is one of these."""
    these, params = any_of(f"alert.{column}", sorted(ids))
    return [_rule(row) for row in fetch(f"{RULES} AND {these} ORDER BY alert.id", (params,))]


def watched_schedules(schedule_ids: Collection[str]) -> dict[str, Watched]:
    """Those of the schedules that are still there, by id."""
    these, params = any_of("id", sorted(schedule_ids), "uuid")
    rows = fetch(f"SELECT id, account_id, name, key, args, template FROM schedule WHERE {these}", (params,))
    return {str(row[0]): watched_schedule(row) for row in rows}


def watched_schedule(row: Sequence[Any]) -> Watched:
    schedule_id, account_id, name, key, args, template = row
    fields = json.loads(template)
    host, labels = fields.get("host") or "", frozenset(fields.get("labels") or ())
    title = name or key or f"{str(json.loads(args).get('method') or 'get').upper()} {host}".strip()
    return Watched(str(schedule_id), account_id, title, host, labels, fields.get("flow_id"))


class _Changes:
    """What follows from events, of which no two are of one schedule: what begins, and what ends."""

    def __init__(self, rules: Iterable[Rule], events: Sequence[HealthEvent], watched: Mapping[str, Watched]) -> None:
        self.begun: list[Begin] = []
        self.ended: list[tuple[Key, int]] = []
        self._open = incident_rows.open_subjects({event.schedule_id for event in events})
        self._rules: dict[int, list[Rule]] = {}
        for rule in rules:
            self._rules.setdefault(rule.account_id, []).append(rule)
        self._watched = watched
        self._events = [event for event in events if event.schedule_id in watched]
        self._ends = shares.ends_within({window for *_, window in self._cases() if window})

    def add_all(self) -> None:
        for rule, event, window in self._cases():
            ends = self._ends.get(window, NO_ENDS) if window else NO_ENDS
            condition = begins(rule, event, ends)
            if condition and Key(rule.id, condition, event.schedule_id) not in self._open:
                self.begun.append(_begin(rule, condition, event, self._watched[event.schedule_id], ends))
            keys = [Key(rule.id, condition, event.schedule_id) for condition in ended(rule, event, ends)]
            self.ended += [(key, event.at) for key in keys if key in self._open]

    def _cases(self) -> Iterator[tuple[Rule, HealthEvent, Window | None]]:
        """Each event with the rules whose scope has its schedule."""
        for event in self._events:
            schedule = self._watched[event.schedule_id]
            for rule in self._rules.get(schedule.account_id, ()):
                if covers(rule, schedule):
                    yield rule, event, window_of(rule, event)


def _begin(rule: Rule, condition: str, event: HealthEvent, schedule: Watched, ends: Ends) -> Begin:
    """What fails because its host is down belongs to the incident of the host."""
    detail = in_words(event.reason) if event.reason else ""
    if ends.jobs:
        detail = (
            f"{ends.failed} of {ends.jobs} jobs failed within {duration(rule.options.within_us)}; the last: {detail}"
        )
    if event.host:
        return Begin(rule, condition, schedule.id, f"host:{event.host}", event.host, detail, event.at)
    return Begin(rule, condition, schedule.id, f"schedule:{schedule.id}", schedule.title, detail, event.at)


def _first_of_each_schedule() -> list[HealthEvent]:
    """The oldest events, without those of a schedule that come after another of its own here."""
    columns = ", ".join(HealthEvent._fields)
    rows = fetch(f"SELECT {columns} FROM health_event ORDER BY id LIMIT {AT_ONCE}")
    events = [HealthEvent(row[0], str(row[1]), *row[2:]) for row in rows]
    return list({event.schedule_id: event for event in reversed(events)}.values())[::-1]


def _rule(row: Sequence[Any]) -> Rule:
    alert_id, uuid, account_id, name, types, kind, key, options, muted_until, gate_id = row
    on = frozenset(json.loads(types))
    return Rule(alert_id, str(uuid), account_id, name, on, kind, key, options_of(options), muted_until, gate_id)
