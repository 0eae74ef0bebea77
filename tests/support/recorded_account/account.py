"""Fills the account, and its twin."""

from models.accounts.account_tables import Account
from models.database.base import BaseModel
from models.database.connection import database
from models.rules import clock
from tests.support.recorded_account import gates, jobs, schedules, settings
from tests.support.recorded_account.fixed import uuid_of
from tests.support.recorded_account.rows import count_on_from

FIRST_NEW = 5001
COUNTED = [table for table in BaseModel.__subclasses__() if getattr(table._meta.primary_key, "auto_increment", False)]


def fill():
    """The account alice with everything."""
    alice = Account.create(uuid=uuid_of("alice"), name="alice", created_at=clock.now())
    with database.atomic():
        settings.machinery()
        schedules.fill(alice)
        jobs.fill(alice)
        gates.fill(alice)
        settings.fill(alice)
    return alice


def count_anew():
    """Let every table count its new rows from the same number on, whatever was given back before."""
    for table in COUNTED:
        count_on_from(table, FIRST_NEW)
