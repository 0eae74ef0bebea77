"""Declares the tables of accounts, their API keys and groups of targets, and of the sessions of the dashboard.

An account is never deleted.
"""

from peewee import BigAutoField, BigIntegerField, CharField, ForeignKeyField, IntegerField, TextField

from models.database.base import BaseModel, UuidText
from models.database.ids import new_id


class Account(BaseModel):
    """A user whose jobs nobody else can see."""

    id = BigAutoField()
    uuid = UuidText(default=new_id, unique=True)  # `user_id` in every response
    name = TextField(unique=True)
    created_at = BigIntegerField()


class ApiKey(BaseModel):
    """A secret that acts for an account. The table holds its SHA-256; the secret itself is shown once."""

    id = BigAutoField()
    uuid = UuidText(default=new_id, unique=True)
    account = ForeignKeyField(Account, backref="keys")
    name = TextField(default="")
    sha256 = CharField(max_length=64, unique=True)
    shown_as = TextField()  # first and last characters, enough to recognize a key
    created_at = BigIntegerField()
    revoked_at = BigIntegerField(null=True)  # null: the key works

    class Meta:
        table_name = "api_key"


class SessionSecret(BaseModel):
    """One row: the secret that signs cookies of the dashboard, and the addresses of acknowledgements and badges."""

    id = IntegerField(primary_key=True)
    value = TextField()

    class Meta:
        table_name = "session_secret"


class EndedSession(BaseModel):
    """A session of the dashboard that was signed out before its cookie expired."""

    digest = TextField(primary_key=True)  # of the session's token
    forgotten_at = BigIntegerField(index=True)  # when the cookie has expired and the row may go

    class Meta:
        table_name = "ended_session"


class TargetGroup(BaseModel):
    """Targets that an order names together (models/accounts/target_groups.py)."""

    id = BigAutoField()
    account_id = BigIntegerField()
    name = TextField()  # the client's own; unique in the account
    targets = TextField()  # JSON list of name, url and headers
    created_at = BigIntegerField()
    changed_at = BigIntegerField()

    class Meta:
        indexes = ((("account_id", "name"), True),)
        table_name = "target_group"
