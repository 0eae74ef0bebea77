"""Specifies the tables of gates and of the starts that a rate counts.

A gate is a row that jobs of an account have to pass: a flow or a lane that a job names, the host of its target, or the
account itself. These modules of this folder write them: `gates.py` (the rows), `starts.py` (what rates count),
`minutes.py` (starts by the minute), `parking.py` (jobs that wait at a gate), `closing.py` (pauses, rests, failures of
hosts) and `forgetting.py` (gates that nobody uses). Instants are microseconds since the Unix epoch.
"""

from peewee import BigAutoField, BigIntegerField, CompositeKey, IntegerField, TextField

from models.database.base import BaseModel


class Gate(BaseModel):
    """One flow, lane, host or account that limits or holds back jobs."""

    id = BigAutoField()
    account_id = BigIntegerField()
    kind = TextField()  # one of GATES in models/rules/limits.py
    key = TextField()  # of a flow or a lane the client's; of a host its name; of an account empty
    created_at = BigIntegerField()
    used_at = BigIntegerField()  # when an order last named it, to the day

    # Set by an order that names limits, or for good by PUT.
    rate = BigIntegerField(null=True)  # at most so many starts in any window of per_us; null: no such limit
    per_us = BigIntegerField(null=True)
    concurrency = BigIntegerField(null=True)  # at most so many requests under way; null: no such limit
    stops = IntegerField()  # 1: a lane that stops when one of its jobs is discarded
    is_pinned = IntegerField()  # 1: orders do not change the limits

    # Written by models/flows/closing.py. `closed_until` is the latest of the instants before it.
    paused_at = BigIntegerField(null=True)  # null: not paused
    paused_until = BigIntegerField(null=True)  # null: until it is resumed
    reason = TextField(null=True)  # of the pause
    rests_until = BigIntegerField(null=True)  # as the target asked by Retry-After
    failures = BigIntegerField()  # of a host: attempts that failed in a row
    failing_since = BigIntegerField(null=True)  # the first of them
    probes = BigIntegerField()  # how many went out since the breaker opened
    probe_at = BigIntegerField(null=True)  # the breaker is open: one request may go out from this instant on
    closed_until = BigIntegerField(null=True)  # nothing passes before this instant; null: open

    starts = BigIntegerField()  # how many starts were counted, if there is a rate; written by models/flows/starts.py
    # Written by gates.py, closing.py and parking.py, for whoever makes room or has to look again.
    wake_at = BigIntegerField(null=True)  # when the ticker looks for jobs that may pass; null: nothing to look for

    class Meta:
        indexes = ((("account_id", "kind", "key"), True),)


class GateStart(BaseModel):
    """One start of a request at a gate with a rate. Rows older than the window are deleted by later claims."""

    gate_id = BigIntegerField()
    number = BigIntegerField()
    started_at = BigIntegerField()
    job_id = BigIntegerField()

    class Meta:
        primary_key = CompositeKey("gate_id", "number")
        table_name = "gate_start"


class FlowMinute(BaseModel):
    """How many requests of a flow started in one minute."""

    gate_id = BigIntegerField()
    minute = BigIntegerField(index=True)  # since the Unix epoch
    starts = BigIntegerField()

    class Meta:
        primary_key = CompositeKey("gate_id", "minute")
        table_name = "flow_minute"
