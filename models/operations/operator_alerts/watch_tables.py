"""Declares the table of the watch over Booper itself."""

from peewee import BigIntegerField, IntegerField, TextField

from models.database.base import BaseModel


class OperatorWatch(BaseModel):
    """One row: which process watches, and when it looked last. Written by `turn.py`."""

    id = IntegerField(primary_key=True)
    watcher = TextField()  # a fresh id for each process; empty: none
    looked_at = BigIntegerField()  # 0: the watcher stopped in order

    class Meta:
        table_name = "operator_watch"
