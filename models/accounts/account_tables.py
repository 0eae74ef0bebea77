"""Owns the tables of who may ask: accounts and their API keys. An account is never deleted."""

from peewee import BigAutoField, BigIntegerField, CharField, ForeignKeyField, TextField

from models.database.base import BaseModel, UuidText
from models.database.ids import new_id


class Account(BaseModel):
    """Somebody whose jobs nobody else can see."""

    id = BigAutoField()
    uuid = UuidText(default=new_id, unique=True)  # `user_id` in every answer
    name = TextField(unique=True)
    created_at = BigIntegerField()


class ApiKey(BaseModel):
    """A secret that acts for an account. Only its SHA-256 is kept; the secret itself is shown once."""

    id = BigAutoField()
    uuid = UuidText(default=new_id, unique=True)
    account = ForeignKeyField(Account, backref="keys")
    name = TextField(default="")
    sha256 = CharField(max_length=64, unique=True)
    shown_as = TextField()  # first and last characters, enough to recognise a key by
    created_at = BigIntegerField()
    revoked_at = BigIntegerField(null=True)  # null: the key works

    class Meta:
        table_name = "api_key"
