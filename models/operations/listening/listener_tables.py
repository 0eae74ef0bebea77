"""Declares the tables of listeners and of the requests that are brought to them.

Instants are microseconds since the Unix epoch.
"""

from peewee import BigIntegerField, BlobField, CompositeKey, IntegerField, TextField

from models.database.base import BaseModel, UuidText
from models.database.ids import new_id


class Listener(BaseModel):
    """A machine that has asked for requests (`listener_store.py`)."""

    account_id = BigIntegerField()
    name = TextField()
    seen_at = BigIntegerField()  # when it last began to ask

    class Meta:
        primary_key = CompositeKey("account_id", "name")


class ListenerRequest(BaseModel):
    """The request of one attempt, from the claim until the attempt ends (`open_requests.py`)."""

    # Set when the worker hands it over; the two texts and the bodies are emptied when it ends.
    uuid = UuidText(default=new_id, primary_key=True)  # `id` to clients
    job_id = BigIntegerField(index=True)
    claim_id = BigIntegerField()  # the fence of the attempt's claim
    account_id = BigIntegerField()
    listener = TextField()  # its name; a machine of this name may have asked, or may never ask
    attempt = IntegerField()
    request = TextField()  # JSON object: method, url, path, headers
    body = BlobField(null=True)  # null: no body
    handed_at = BigIntegerField()
    deadline_at = BigIntegerField()  # no answer counts after it

    taken_at = BigIntegerField(null=True)  # when a machine got it, which happens once; null: not yet
    answered_at = BigIntegerField(null=True)  # null: no answer came so far
    answer = TextField(null=True)  # JSON object: status, headers, truncated, error; null: as above
    answer_body = BlobField(null=True)  # null: as above, or none
    ended_at = BigIntegerField(null=True)  # when its attempt ended; null: it is open

    class Meta:
        table_name = "listener_request"
