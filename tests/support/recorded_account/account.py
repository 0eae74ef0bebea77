"""Fills the account, and its twin."""

from models.accounts.account_tables import Account
from models.alerts.alert_tables import StatusPage
from models.database.base import BaseModel
from models.database.connection import database
from models.jobs.job_tables import Attempt, Job
from models.rules import clock
from models.schedules.schedule_tables import Firing, Schedule
from tests.support.recorded_account import gates, jobs, schedules, settings
from tests.support.recorded_account.fixed import name_of, uuid_of

APART = 1000  # between the integer of a thing and that of its twin


def fill():
    """The account alice with everything, and bob with the same under other ids."""
    alice = Account.create(uuid=uuid_of("alice"), name="alice", created_at=clock.now())
    bob = Account.create(uuid=uuid_of("bob"), name="bob", created_at=clock.now())
    with database.atomic():
        settings.machinery()
        schedules.fill(alice)
        jobs.fill(alice)
        gates.fill(alice)
        settings.fill(alice)
        for table in BaseModel.__subclasses__():
            if "account_id" in table._meta.fields:
                copy(table, table.account_id == alice.id, account_id=bob.id)
        copy(Attempt, Attempt.job_id.in_(Job.select(Job.id).where(Job.account_id == alice.id)))
        copy(Firing, Firing.schedule_id.in_(Schedule.select(Schedule.id).where(Schedule.account_id == alice.id)))


def copy(table, these, **values):
    """Add twins of these rows."""
    rows = [_twin_of(row) | values for row in table.select().where(these).dicts()]
    if table is StatusPage:
        rows = [row | {"token": settings.TOKEN[::-1]} for row in rows]
    if rows:
        table.insert_many(rows).execute()


def _twin_of(row):
    return {name: _twin_value(name, value) for name, value in row.items()}


def _twin_value(name, value):
    if isinstance(value, int) and (name == "id" or name.endswith(("_id", "parked_by"))) and name != "claim_id":
        return value + APART
    if isinstance(value, str) and name_of(value):
        return uuid_of(f"bob's {name_of(value)}")
    return value
