"""Notifies people of incidents: makes the jobs that carry messages, in the transaction that notes what was sent.

`announced` and `announce_at` of an incident say what was sent and what is due. So each change is sent once, whatever
crashes and however many tickers look. In quiet hours and while something is muted, what is due waits.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from models.alerts import evaluation, message_order, messages, ways
from models.alerts.alert_tables import Notification
from models.alerts.change_counts import MADE, count
from models.alerts.conditions import OPERATOR, RECOVERED, Rule
from models.alerts.exclusive import is_alone
from models.alerts.forms import message_forms
from models.alerts.messages import CLOSED, OPENED, REPEATED, IncidentRow, Message
from models.alerts.quiet_hours import end_of_quiet
from models.alerts.ways import Target
from models.database.base import typed_columns
from models.database.sql import any_of, execute, fetch, values_table
from models.database.transactions import transaction
from models.jobs import job_store
from models.jobs.job_json import compact
from models.jobs.job_kinds import ALERT
from models.jobs.job_store import NewJob

AT_ONCE = 500
COLUMNS = ", ".join(IncidentRow._fields)
IS_DUE = f"announce_at <= %s AND alert_id <> {OPERATOR}"
NOTED = ("incident_id", "type", "way", "address", "job_id", "inserted_at")


class Step(NamedTuple):
    """What is done about a due incident. `type`: of the message; None: nothing is sent."""

    type: str | None
    announced: str | None
    announce_at: int | None


class StoredTarget(NamedTuple):
    """A target with its id."""

    id: int
    target: Target


def announce(now: int) -> int:
    """Send what is due about some incidents; returns how many incidents that was."""
    if not fetch(f"SELECT 1 FROM incident WHERE {IS_DUE} LIMIT 1", (now,)):
        return 0
    with transaction():
        if not is_alone():
            return 0
        due = _due(now)
        rules = {rule.id: rule for rule in evaluation.rules_where("id", {incident.alert_id for incident, _ in due})}
        targets = targets_of(rules)
        steps = [
            (incident, step_of(incident, announced, rules.get(incident.alert_id), now)) for incident, announced in due
        ]
        _send(steps, rules, targets, now)
        _note(steps)
    return len(due)


def step_of(incident: IncidentRow, announced: str | None, rule: Rule | None, now: int) -> Step:
    """What is to be done about an incident that is due; nothing is sent for a rule that is gone."""
    if rule is None:
        return Step(None, announced, None)
    muted_until = max(rule.muted_until or 0, incident.muted_until or 0)
    if muted_until > now:
        is_over = announced is None and incident.closed_at is not None
        return Step(None, CLOSED, None) if is_over else Step(None, announced, muted_until)
    if rule.options.quiet and (until := end_of_quiet(rule.options.quiet, now)):
        return Step(None, announced, until)
    repeat_us, is_closed = rule.options.repeat_us, incident.closed_at is not None
    repeat_at = None if repeat_us is None else now + repeat_us
    if announced is None:
        return Step(OPENED, OPENED, now if is_closed else repeat_at)
    if is_closed:
        return Step(CLOSED if RECOVERED in rule.types else None, CLOSED, None)
    return Step(REPEATED if repeat_us and incident.acknowledged_at is None else None, announced, repeat_at)


def targets_of(alert_ids: Iterable[int]) -> dict[int, list[StoredTarget]]:
    """The targets of rules, by the id of the rule."""
    these, params = any_of("alert_id", sorted(alert_ids))
    targets = defaultdict(list)
    for alert_id, key, way, url, secret in fetch(
        f"SELECT alert_id, id, way, url, secret FROM alert_target WHERE {these} ORDER BY id", (params,)
    ):
        targets[alert_id].append(StoredTarget(key, Target(way, url, secret)))
    return dict(targets)


def job_for(account_id: int, stored: StoredTarget, message: Message, now: int) -> NewJob:
    """The job that sends the message there. It holds no secret: the sender looks that up."""
    form = message_forms.form_of(stored.target.way, message)
    args = {"method": "post", "url": stored.target.shown, message_order.TARGET: stored.id}
    if stored.target.way in (ways.PAGERDUTY, ways.EMAIL):
        args["url"] = stored.target.url
    return NewJob(
        account_id,
        compact(args | ({"headers": form.headers} if form.headers else {})),
        form.body,
        form.content_type,
        now,
        name=messages.headline(message)[:255],
        host=stored.target.host,
        hops=1,
        redact=compact(["body"]) if stored.target.secret else None,
        kind=ALERT,
    )


def _due(now: int) -> list[tuple[IncidentRow, str | None]]:
    rows = fetch(
        f"SELECT {COLUMNS}, announced FROM incident WHERE {IS_DUE} ORDER BY announce_at, id LIMIT {AT_ONCE}",
        (now,),
    )
    return [(incident_row(row[:-1]), row[-1]) for row in rows]


def incident_row(row: Sequence[object]) -> IncidentRow:
    incident = IncidentRow(*row)  # type: ignore[arg-type]
    return incident._replace(uuid=str(incident.uuid))


def _send(
    steps: Sequence[tuple[IncidentRow, Step]],
    rules: dict[int, Rule],
    targets: dict[int, list[StoredTarget]],
    now: int,
) -> None:
    groups: dict[tuple[int, str], list[IncidentRow]] = defaultdict(list)
    for incident, step in steps:
        if step.type:
            groups[incident.alert_id, step.type].append(incident)
    mail = [
        (stored, Message(message_type, rules[alert_id].name, part, now))
        for (alert_id, message_type), incidents in groups.items()
        for stored in targets.get(alert_id, [])
        for part in parts_for(stored.target.way, incidents)
    ]
    earlier = message_order.unfinished({incident.id for incident, step in steps if step.type})
    made = [_in_order(rules, stored, message, earlier, now) for stored, message in mail]
    jobs = job_store.create_many(made, now)
    count(MADE, len(jobs))
    rows = [
        (incident.id, message.type, stored.target.way, stored.target.shown, job.id, now)
        for (stored, message), job in zip(mail, jobs, strict=True)
        for incident in message.incidents
        if job
    ]
    if rows:
        table, params = values_table(typed_columns(Notification, NOTED), rows)
        names = ", ".join(NOTED)
        execute(f"INSERT INTO notification ({names}) SELECT {names} FROM {table} AS input", params)


def _in_order(
    rules: dict[int, Rule], stored: StoredTarget, message: Message, earlier: message_order.Unfinished, now: int
) -> NewJob:
    job = job_for(rules[message.incidents[0].alert_id].account_id, stored, message, now)
    return message_order.behind(job, stored.id, [each.id for each in message.incidents], earlier, now)


def parts_for(way: str, incidents: list[IncidentRow]) -> list[list[IncidentRow]]:
    """People get one message about all incidents, programs get one about each."""
    return [incidents] if way in ways.FOR_PEOPLE else [[incident] for incident in incidents]


def _note(steps: Sequence[tuple[IncidentRow, Step]]) -> None:
    rows = [(incident.id, step.announced, step.announce_at) for incident, step in steps]
    if rows:
        table, params = values_table("id bigint, announced text, announce_at bigint", rows)
        execute(
            "UPDATE incident SET announced = input.announced, announce_at = input.announce_at "
            f"FROM {table} AS input WHERE incident.id = input.id",
            params,
        )
