"""Specifies the tables of schedules and of firings, which say what happened at each instant of a schedule.

Each column says who sets it, when, and what null means. Queries live in `models/schedules/schedule_store.py` and
`schedule_changes.py` (what clients ask), `planning.py` (which jobs come next), `overlap.py` (the claim of those jobs),
`misfire.py` (which come too late), `firing_rows.py` (the rows), `schedule_memory.py` (what a schedule remembers)
and `calendars/calendar_store.py`.
"""

from peewee import BigAutoField, BigIntegerField, BlobField, CompositeKey, IntegerField, TextField

from models.database.base import BaseModel, UuidText


class Schedule(BaseModel):
    """A definition by which jobs are made again and again."""

    # Set at creation.
    id = UuidText(primary_key=True)
    account_id = BigIntegerField()
    key = TextField(null=True)  # the client's own name for it, unique in the account; null: none
    inserted_at = BigIntegerField()

    # Set at creation and by a change; the definition.
    name = TextField(null=True)
    description = TextField(null=True)
    args = TextField()  # JSON object: the request as the client sent it, without its body
    body = BlobField(null=True)  # the bytes as they were sent; null: no body
    content_type = TextField(null=True)
    template = TextField()  # JSON object: the other fields of its jobs (schedule_store.template_of)
    # JSON object: repeat_every, or cron and perhaps timezone; and bounds (models/rules/bounds.py).
    frequency = TextField()
    calendar_days = TextField(null=True)  # JSON: the days of the calendars that it names; null: it names none
    offset_us = BigIntegerField()  # its jobs are due so long after each instant: its part of jitter_seconds
    overlap = TextField()  # skip, queue_one, allow: while another of its jobs is executing
    misfire = TextField()  # skip, once, all: which instants that were missed are made up for
    catch_up_us = BigIntegerField()  # no job begins later than this after its instant
    disable_after = IntegerField(null=True)  # failures in a row that disable it; null: it is never disabled so

    # Written by the planner, and by a change of the frequency, a disable and an enable.
    next_at = BigIntegerField(null=True)  # the first instant not planned yet; null: none is left
    runs = BigIntegerField(default=0)  # instants that got a job since the frequency was set, the next one among them
    enabled_at = BigIntegerField()  # when it was last enabled
    disabled_at = BigIntegerField(null=True)  # null: enabled

    # Written by the recorder (models/schedules/schedule_memory.py).
    failures = IntegerField()  # jobs in a row that were given up
    previous = TextField(null=True)  # JSON: the answer to the latest job that succeeded; null: {}
    state = TextField()  # JSON object: the members that answers set by $set
    succeeded_at = BigIntegerField(null=True)  # when the latest of its jobs that completed ended; null: none has

    class Meta:
        indexes = ((("account_id", "inserted_at", "id"), False),)


class Calendar(BaseModel):
    """Days on which the schedules that name it have no instant. Each has a copy of them, in `calendar_days`."""

    id = BigAutoField()
    account_id = BigIntegerField()
    name = TextField()  # the client's own; unique in the account
    days = TextField()  # JSON list of days and ranges, as they were sent
    created_at = BigIntegerField()
    changed_at = BigIntegerField()
    moved_to = UuidText(null=True)  # up to the schedule of this id the latest change is applied; null: to all

    class Meta:
        indexes = ((("account_id", "name"), True),)


class Firing(BaseModel):
    """The outcome of an instant, or of many in a row. Written once: at the claim of its job, when that job ends without
    a claim, or by the planner when no job was made."""

    schedule_id = UuidText()
    fire_at = BigIntegerField()
    status = TextField()  # one of firing_rows.STATUSES
    job_id = BigIntegerField(null=True)  # null: no job was made
    lateness_us = BigIntegerField(null=True)  # start of the first attempt minus when the job was due; null: none began
    decided_at = BigIntegerField(index=True)
    until_at = BigIntegerField(null=True)  # the last of many instants; null: fire_at is the only instant
    instants = BigIntegerField(null=True)  # how many; null: a single one, or with until_at too many to count

    class Meta:
        primary_key = CompositeKey("schedule_id", "fire_at")


class HealthEvent(BaseModel):
    """Something that happened to a schedule and that alert rules are about (models/schedules/health_events.py). Deleted
    when the ticker has evaluated it."""

    id = BigAutoField()
    account_id = BigIntegerField()
    schedule_id = UuidText(index=True)
    type = TextField()  # one of TYPES in models/schedules/health_events.py
    at = BigIntegerField()
    # Of a failure or a disabling: how many jobs in a row failed. Of a start: how late it was, in microseconds. Of a
    # miss: how many instants were missed. Of a success: 0.
    number = BigIntegerField()
    reason = TextField(null=True)  # of a failure: why the job was given up; of a disabling: why; null: unknown
    host = TextField(null=True)  # of a failure: the host that is down; null: it is not the host

    class Meta:
        table_name = "health_event"
