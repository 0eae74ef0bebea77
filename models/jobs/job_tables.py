"""Declares the tables of jobs, their labels, attempts, replays and log entries, and of what makes an order count once.

This file is the specification of the columns: who sets each, when, and what null means. Queries live in
`models/jobs/job_store.py` (what clients do) and `models/jobs/lifecycle.py` (what changes a state). Instants are
microseconds since the Unix epoch. No foreign keys here: each would cost every insert a lock on the account's row.
"""

from peewee import (
    BigAutoField,
    BigIntegerField,
    BlobField,
    CompositeKey,
    FloatField,
    IntegerField,
    TextField,
)

from models.database.base import BaseModel, UuidText
from models.database.ids import new_id
from models.jobs.job_kinds import REQUEST


class Job(BaseModel):
    """One request to send at one time, or of the kind `group` what makes such jobs."""

    # Set at creation. Before its first attempt its owner may change some (models/operations/changing.py); `args` and
    # `host` of a waiting event change when its endpoint has another URL; `flow_id` and `lane_id` change when a gate
    # that was forgotten is made again (models/flows/revival.py).
    id = BigAutoField()  # `job_id` to clients
    uuid = UuidText(default=new_id, unique=True)  # `id` to clients
    account_id = BigIntegerField()
    kind = TextField(default=REQUEST)  # one of KINDS in models/jobs/job_kinds.py; callbacks and events are jobs
    name = TextField(null=True)
    description = TextField(null=True)
    idempotency_key = TextField(null=True)  # unique in the account among jobs that were never attempted
    schedule_id = UuidText(null=True)  # null: a one-off job
    fire_at = BigIntegerField(null=True)  # the schedule's instant that it is made for; null: a one-off job
    args = TextField()  # JSON object: the request as the client sent it, without its body
    body = BlobField(null=True)  # the bytes to send; null: no body
    content_type = TextField(null=True)  # of the body; null: no body
    host = TextField(default="")  # the target's host in its canonical form, for sharing slots fairly
    hops = IntegerField(default=0)  # how many jobs led to the API call that made this one
    max_attempts = IntegerField(default=20)
    timeout_ms = IntegerField(default=30_000)  # for the whole of one attempt
    backoff = TextField(null=True)  # JSON of models/rules/backoff.py; null: the default rule
    judging = TextField(null=True)  # JSON: `success`, `stop_on` (workers/delivery/judge.py); null: the default rules
    retry_until = BigIntegerField(null=True)  # no attempt is due after this instant; null: no limit
    redact = TextField(null=True)  # JSON list: header names, and "body", hidden in log entries; null: nothing more
    notify = TextField(null=True)  # JSON object of URLs (models/webhooks/notifications.py); null: nobody is notified
    # The job that a callback or an event is about; of a job of a set, the first of the set. Null: no such job.
    parent_id = BigIntegerField(null=True)
    endpoint_id = BigIntegerField(null=True)  # of an event: the endpoint that gets it; null: the job's own address
    flow_id = BigIntegerField(null=True)  # the gate that limits its rate or concurrency; null: no flow
    lane_id = BigIntegerField(null=True)  # the gate by which it goes after the job before it; null: no lane
    ack_within_us = BigIntegerField(null=True)  # how long its target may take to acknowledge; null: it may not
    traceparent = TextField(null=True)  # W3C trace context of the order, if there are traces; null: none
    inserted_at = BigIntegerField()

    # Written by models/jobs/lifecycle.py, models/jobs/staging.py and models/flows/parking.py alone.
    state = TextField()
    scheduled_at = BigIntegerField()  # due; of a retryable job the next attempt
    start_by = BigIntegerField(
        null=True
    )  # a schedule's job does not begin later; null: it has begun, is an ordered run, or a one-off job
    held_until = BigIntegerField(null=True)  # not staged before this instant; null: staged when due
    parked_by = BigIntegerField(null=True)  # the gate at which it waits (models/flows/parking.py); null: none
    after_uuid = UuidText(null=True)  # the event that this one waits for (models/webhooks/event_order.py); null: none
    attempt = IntegerField(default=0)  # attempts begun; the number of the latest
    crashes = IntegerField(default=0)  # how many attempts in a row ended because their worker fell silent
    attempted_at = BigIntegerField(null=True)  # start of the latest attempt; null: never claimed
    completed_at = BigIntegerField(null=True)
    discarded_at = BigIntegerField(null=True)
    cancelled_at = BigIntegerField(null=True)
    # Since when a message names this job; of a job that is not due yet, when the message is due. Null: no message does.
    staged_at = BigIntegerField(null=True)
    staged_count = IntegerField(default=0)  # how many messages have named it
    claim_id = BigIntegerField(null=True)  # the fence: the claim that may record the attempt; null: none
    lease_until = BigIntegerField(null=True)  # when the claim counts as lost; null: no claim
    # Until when its target, which answered "later", may acknowledge the attempt; null: it does not wait for that.
    ack_until = BigIntegerField(null=True)

    class Meta:
        indexes = ((("account_id", "kind", "state", "inserted_at", "id"), False),)


class JobLabel(BaseModel):
    """That a job has a label; jobs without labels have no row here."""

    account_id = BigIntegerField()
    label = TextField()
    inserted_at = BigIntegerField()  # the job's, so that a label's jobs are listed from one index
    job_id = BigIntegerField(index=True)

    class Meta:
        primary_key = CompositeKey("account_id", "label", "inserted_at", "job_id")
        table_name = "job_label"


class Attempt(BaseModel):
    """One HTTP try of a job, from 1. Written by the recorder, or by the rescuer for a worker that fell silent."""

    job_id = BigIntegerField()
    number = IntegerField()
    started_at = BigIntegerField()
    finished_at = BigIntegerField()
    lateness_us = BigIntegerField()  # started_at minus the instant it was due
    outcome = TextField()  # answered, refused, unreachable, lost
    status_code = IntegerField(null=True)  # null: no answer
    reason = TextField(null=True)  # why it failed, in one word; null: answered with 2xx
    dns_ms = FloatField(null=True)  # null: not reached, or a connection was reused
    connect_ms = FloatField(null=True)
    tls_ms = FloatField(null=True)
    first_byte_ms = FloatField(null=True)
    total_ms = FloatField(null=True)
    next_at = BigIntegerField(null=True)  # when the next attempt is due; null: this was the last one

    class Meta:
        primary_key = CompositeKey("job_id", "number")


class Ack(BaseModel):
    """What a target reported of an attempt that it had answered with "later" (models/operations/acks.py)."""

    job_id = BigIntegerField()
    claim_id = BigIntegerField()  # the fence of the attempt's claim
    succeeded = IntegerField()  # 1 or 0
    body = BlobField(null=True)  # the target's own words; null: none
    content_type = TextField(null=True)  # of the body; null: no body
    received_at = BigIntegerField(index=True)
    settled_at = BigIntegerField(null=True)  # when the ticker ended its attempt, or saw that it can't; null: not yet

    class Meta:
        primary_key = CompositeKey("job_id", "claim_id")


class Replay(BaseModel):
    """That a job has the request of an older one. Deleted with the older one; the newer one may be gone before it."""

    replay_of = BigIntegerField()  # the older job
    job_id = BigIntegerField(index=True)

    class Meta:
        primary_key = CompositeKey("replay_of", "job_id")


class LogEntry(BaseModel):
    """Something that happened to a job, as its owner may read it."""

    uuid = UuidText(default=new_id, primary_key=True)
    account_id = BigIntegerField()
    job_id = BigIntegerField(index=True)
    schedule_id = UuidText(null=True)
    event = TextField()  # one of log_events.EVENTS
    payload = TextField()  # JSON object
    inserted_at = BigIntegerField()

    class Meta:
        indexes = ((("account_id", "inserted_at", "uuid"), False),)
        table_name = "log_entry"


class DedupWindow(BaseModel):
    """That a job is not made again before an instant. Written by `models/jobs/dedup_windows.py` with the job."""

    id = BigAutoField()
    account_id = BigIntegerField()
    digest = TextField()  # SHA-256 of the key or the content by which orders are the same
    job_uuid = UuidText()  # the job that such orders get
    expires_at = BigIntegerField(index=True)

    class Meta:
        indexes = ((("account_id", "digest"), True),)
        table_name = "dedup_window"


class IdempotentRequest(BaseModel):
    """The response kept for a request that named an `Idempotency-Key`."""

    id = BigAutoField()
    account_id = BigIntegerField()
    key = TextField()
    fingerprint = TextField()  # of the request
    status_code = IntegerField(null=True)  # null: inside the transaction that makes the response
    answer = TextField(null=True)  # JSON, as it was sent; null: as above
    created_at = BigIntegerField(index=True)

    class Meta:
        indexes = ((("account_id", "key"), True),)
        table_name = "idempotent_request"
