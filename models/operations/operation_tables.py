"""Declares the table of operations: what is done to all jobs of a filter, and how far it is.

`models/operations/operation_store.py` makes and lists the rows, `models/operations/bulk.py` works them off. Instants
are microseconds since the Unix epoch.
"""

from peewee import BigAutoField, BigIntegerField, IntegerField, TextField

from models.database.base import BaseModel, UuidText
from models.database.ids import new_id


class Operation(BaseModel):
    """An action on all jobs of a filter."""

    # Set at creation, never changed.
    id = BigAutoField()
    uuid = UuidText(default=new_id, unique=True)  # `id` to clients
    account_id = BigIntegerField()
    action = TextField()  # one of bulk.STATES_OF
    sent = TextField()  # JSON object: the filter as the client sent it
    job_filter = TextField()  # JSON object: the members of a JobFilter that are not None
    at_most = BigIntegerField(null=True)  # how many jobs; null: all
    hops = IntegerField(default=0)  # how many jobs led to the API call that ordered it
    inserted_at = BigIntegerField()

    # Written with each chunk, in its transaction.
    state = TextField()  # running, done, cancelled
    place_at = BigIntegerField(null=True)  # the last job read, see Place in models/database/paging.py; null: none yet
    place_id = BigIntegerField(null=True)
    is_read = IntegerField()  # 1: every job is read; what is held is left
    held = TextField()  # JSON list: integers of jobs that were read while another session held them
    done = BigIntegerField()
    failed = BigIntegerField()  # jobs that could not be acted on any more
    jobs_left = BigIntegerField()  # as counted at `counted_at`, less what was done since
    more_left = IntegerField()  # 1: there may be more than were counted
    counted_at = BigIntegerField()
    ended_at = BigIntegerField(null=True)  # null: running

    class Meta:
        indexes = ((("account_id", "inserted_at", "id"), False),)
