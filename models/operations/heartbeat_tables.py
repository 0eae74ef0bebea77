"""Declares the tables of signs of life: sending processes, the ticker, queue depths, and what each minute brought."""

from peewee import BigIntegerField, CompositeKey, IntegerField, TextField

from models.database.base import BaseModel


class Worker(BaseModel):
    """A process that sends. Written by that process."""

    id = TextField(primary_key=True)  # a fresh UUID for each start
    host = TextField()
    pid = IntegerField()
    version = TextField()
    slots = IntegerField()
    slots_in_use = IntegerField()  # requests under way
    started_at = BigIntegerField()
    seen_at = BigIntegerField()


class QueueDepth(BaseModel):
    """One row: how many messages the broker has. Written by the leading ticker."""

    id = IntegerField(primary_key=True)
    ready = IntegerField()  # to be taken
    delayed = IntegerField()
    dead = IntegerField()  # given up by Dramatiq
    seen_at = BigIntegerField()

    class Meta:
        table_name = "queue_depth"


class MinuteStat(BaseModel):
    """What one process recorded for one account in one minute. Written by that process, always as a whole.

    Attempts of listeners have a row of their own, to which whoever records them adds
    (models/operations/listening/listener_minutes.py)."""

    account_id = BigIntegerField()
    minute_at = BigIntegerField(index=True)  # when the minute began
    worker_id = TextField()
    completed = IntegerField()
    failed = IntegerField()
    lateness = TextField()  # JSON object: how many attempts by bucket of lateness (models/rules/lateness.py)

    class Meta:
        primary_key = CompositeKey("account_id", "minute_at", "worker_id")
        table_name = "minute_stat"


class Ticker(BaseModel):
    """One row: signs of life of the ticker, and how far deliveries through the queue have come. Written by the leading
    ticker, and by whoever receives a probe."""

    id = IntegerField(primary_key=True)
    seen_at = BigIntegerField()  # last round of the leading ticker
    delivered_until = BigIntegerField()  # every message published before this instant has left the queue
