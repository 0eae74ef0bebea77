"""Alert rules in the tables: making them, letting jobs of schedules end, and what came of it."""

import json

from models.alerts import alert_store, announcing, evaluation, incident_rows
from models.alerts.alert_tables import Incident, Notification
from models.alerts.conditions import ACCOUNT, Options
from models.alerts.ways import target_of
from models.jobs.job_kinds import ALERT
from models.jobs.job_tables import Job
from models.rules import clock
from tests.support.results import answered, result_of
from tests.support.schedule_rows import run_ticker
from workers.delivery.recorder import record
from workers.transport.outcome import Timings, Unreachable

RECEIVER = "https://hooks.example/alerts"
REFUSED = Unreachable("connect", "refused", Timings())


def make_alert(
    account,
    on=("failed", "missed", "recovered"),
    scope=(ACCOUNT, ""),
    to=(("webhook", RECEIVER),),
    name="nightly",
    **options,
):
    """A fresh rule."""
    values = {"name": name, "types": on, "scope": scope, "options": Options(**options), "enabled": True}
    values["targets"] = [target_of(*each) for each in to]
    return alert_store.create(account.id, values, clock.now())


def end_due(outcome_of):
    """Claim the due jobs of schedules and let each end with the outcome for it, at its only attempt."""
    claimed = [job._replace(max_attempts=1) for job in run_ticker() if job.schedule_id]
    ended = [(job, outcome_of(job)) for job in claimed]
    record([result_of(job, outcome) for job, outcome in ended if outcome])


def fail_due(status=500):
    end_due(lambda _: answered(status))


def succeed_due():
    end_due(lambda _: answered())


def look():
    """Evaluate, as the ticker does."""
    while evaluation.evaluate(clock.now()):
        pass
    incident_rows.close_calm(clock.now())


def send(moved_clock=None, seconds=2):
    """Let the messages be made that are due within these seconds."""
    if moved_clock:
        moved_clock.advance(seconds=seconds)
    while announcing.announce(clock.now()):
        pass


def incidents():
    """(type, title, whether it is open), in their order."""
    rows = Incident.select().order_by(Incident.id)
    return [(row.type, row.title, row.closed_at is None) for row in rows]


def messages():
    """The bodies of the messages that were made, in their order."""
    jobs = Job.select().where(Job.kind == ALERT).order_by(Job.id)
    return [json.loads(bytes(job.body)) for job in jobs]


def sent():
    """(type of the message, title of the incident), in their order."""
    rows = Notification.select(Notification.type, Incident.title).join(
        Incident, on=(Incident.id == Notification.incident_id)
    )
    return list(rows.order_by(Notification.id).tuples())


def open_incident(alert_uuid):
    """The id of an open incident of this rule, put into the table."""
    rule = next(rule for rule in evaluation.all_rules() if rule.uuid == alert_uuid)
    begun = incident_rows.Begin(rule, "failed", "gate:0", "gate:0", "backup", "", clock.now())
    incident_rows.begin([begun], clock.now())
    return Incident.get().uuid
