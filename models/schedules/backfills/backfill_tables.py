"""Declares the table of backfills. Instants are microseconds since the Unix epoch.

`models/schedules/backfills/backfill_store.py` makes and lists the rows, `backfill_turns.py` works them off.
"""

from peewee import BigAutoField, BigIntegerField, IntegerField, TextField

from models.database.base import BaseModel, UuidText
from models.database.ids import new_id


class Backfill(BaseModel):
    """A range of a schedule's past that is made up for."""

    # Set at creation, never changed.
    id = BigAutoField()
    uuid = UuidText(default=new_id, unique=True)  # `id` to clients
    account_id = BigIntegerField()
    schedule_id = UuidText()
    first_at = BigIntegerField()  # the range as the client sent it
    last_at = BigIntegerField()
    instants = TextField()  # JSON list: those of the schedule in the range when it was made
    size = IntegerField()  # how many those are
    inserted_at = BigIntegerField()

    # Written at each turn, in its transaction.
    state = TextField()  # running, done, cancelled
    looked_at = IntegerField()  # how many instants were made up for or passed over
    made = IntegerField()  # how many got a job
    job_id = BigIntegerField(null=True)  # the latest of these jobs; null: none yet
    ended_at = BigIntegerField(null=True)  # null: running

    class Meta:
        indexes = ((("schedule_id", "id"), False),)
