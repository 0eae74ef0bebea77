"""Declares the tables of what an account has set for requests sent on its behalf: signing keys, endpoints, channels,
targets of alerts.

Secrets are stored as they are, since a signature needs them.
"""

from peewee import BigAutoField, BigIntegerField, IntegerField, TextField

from models.database.base import BaseModel, UuidText
from models.database.ids import new_id


class SigningKey(BaseModel):
    """A secret that signs requests sent on behalf of an account."""

    id = BigAutoField()
    uuid = UuidText(default=new_id, unique=True)
    account_id = BigIntegerField(index=True)
    secret = TextField()  # whsec_ and base64
    name = TextField(null=True)  # for its owner alone
    created_at = BigIntegerField()
    ends_at = BigIntegerField(null=True)  # signs nothing from then on; null: not retired

    class Meta:
        table_name = "signing_key"


class Endpoint(BaseModel):
    """An address that gets the events of all jobs of an account."""

    id = BigAutoField()
    uuid = UuidText(default=new_id, unique=True)
    account_id = BigIntegerField(index=True)
    url = TextField()
    types = TextField(null=True)  # JSON list of event types; null: all
    enabled = IntegerField(default=1)
    created_at = BigIntegerField()
    deleted_at = BigIntegerField(null=True)  # null: not deleted; the row stays until no event of its waits any more
    unsettled_at = BigIntegerField(null=True)  # when it changed so that waiting events follow; null: they all have


class Channel(BaseModel):
    """The URL to which an account's messages to a channel are forwarded; the URL is a secret."""

    id = BigAutoField()
    account_id = BigIntegerField()
    name = TextField()
    url = TextField()
    created_at = BigIntegerField()

    class Meta:
        indexes = ((("account_id", "name"), True),)


class ChannelMessage(BaseModel):
    """A message to the demo channel."""

    id = BigAutoField()
    account_id = BigIntegerField(null=True)  # whose key it came with; null: everybody's (embedded mode)
    author = TextField()
    content = TextField()
    inserted_at = BigIntegerField()

    class Meta:
        indexes = ((("account_id", "id"), False),)
        table_name = "channel_message"


class AlertTarget(BaseModel):
    """Where the messages of an alert rule go; the URL may be a secret."""

    id = BigAutoField()
    account_id = BigIntegerField(index=True)
    alert_id = BigIntegerField(index=True)
    way = TextField()  # one of WAYS in models/alerts/ways.py
    url = TextField()  # of an e-mail: "mailto:" and the address
    secret = TextField(null=True)  # the key that PagerDuty wants in the message; null: no key

    class Meta:
        table_name = "alert_target"
