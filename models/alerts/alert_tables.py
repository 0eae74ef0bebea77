"""Specifies the tables of alert rules, of incidents and of what was sent about them.

Queries live in `alert_store.py` (rules), `evaluation.py` (which incidents open and close), `announcing.py` (who is
notified) and `incident_store.py` (what clients ask). Instants are microseconds since the Unix epoch.
"""

from peewee import BigAutoField, BigIntegerField, IntegerField, TextField

from models.database.base import BaseModel, UuidText
from models.database.ids import new_id


class Alert(BaseModel):
    """A rule: which conditions an account wants to hear of, and which schedules or gates it watches."""

    id = BigAutoField()
    uuid = UuidText(default=new_id, unique=True)
    account_id = BigIntegerField(index=True)
    name = TextField()
    types = TextField()  # JSON list of ON in models/alerts/conditions.py
    scope_kind = TextField()  # one of SCOPES in models/alerts/conditions.py
    scope_key = TextField()  # a schedule's id, a label, a host or a flow's key; of an account empty
    options = TextField()  # JSON object of the other fields (models/alerts/conditions.py, Options)
    enabled = IntegerField(default=1)
    muted_until = BigIntegerField(null=True)  # nothing is sent before this instant; null: not muted
    created_at = BigIntegerField()
    changed_at = BigIntegerField()


class Incident(BaseModel):
    """A condition of a rule that holds or held, for one subject or for all subjects that share a cause."""

    # Set when it opens.
    id = BigAutoField()
    uuid = UuidText(default=new_id, unique=True)
    account_id = BigIntegerField()
    alert_id = BigIntegerField()  # the rule, which may be deleted since
    alert_name = TextField()
    type = TextField()  # one of CONDITIONS in models/alerts/conditions.py
    subject = TextField()  # "schedule:" and its id, "host:" and its name, or "gate:" and its id
    title = TextField()  # the name of what it is about, for people
    detail = TextField()  # why, for people; may be empty
    opened_at = BigIntegerField()
    is_flapping = IntegerField()  # 1: it opened several times within an hour, so it closes only after a calm time

    # Written by models/alerts/evaluation.py.
    subjects = BigIntegerField()  # how many subjects it has had
    closes_at = BigIntegerField(null=True)  # of a flapping incident that is over: when it closes; null: otherwise
    closed_at = BigIntegerField(null=True)  # null: it is open

    # Set by its owner.
    acknowledged_at = BigIntegerField(null=True)
    muted_until = BigIntegerField(null=True)  # nothing is sent about it before this instant

    # Written by models/alerts/announcing.py.
    announced = TextField(null=True)  # "opened" or "closed": what was sent last; null: nothing so far
    announce_at = BigIntegerField(null=True)  # when something is to be sent; null: nothing is

    class Meta:
        indexes = (
            (("alert_id", "type", "subject", "opened_at"), False),
            (("account_id", "opened_at", "id"), False),
        )


class StatusPage(BaseModel):
    """The address at which anybody who has it sees how the schedules of an account fare."""

    account_id = BigIntegerField(primary_key=True)
    token = TextField(unique=True)
    created_at = BigIntegerField()

    class Meta:
        table_name = "status_page"


class AlertTest(BaseModel):
    """That an account sent a test message. Deleted once it counts no longer (models/alerts/trial_messages.py)."""

    account_id = BigIntegerField()
    sent_at = BigIntegerField()

    class Meta:
        primary_key = False
        table_name = "alert_test"
        indexes = ((("account_id", "sent_at"), False),)


class IncidentSubject(BaseModel):
    """One of the schedules or gates that an incident is about."""

    id = BigAutoField()
    incident_id = BigIntegerField(index=True)
    alert_id = BigIntegerField()
    type = TextField()
    subject = TextField()  # a schedule's id, or "gate:" and an id
    began_at = BigIntegerField()
    ended_at = BigIntegerField(null=True)  # null: the condition still holds

    class Meta:
        table_name = "incident_subject"


class Notification(BaseModel):
    """A message about an incident to one target: it was made, and a job carries it."""

    id = BigAutoField()
    incident_id = BigIntegerField(index=True)
    type = TextField()  # one of TYPES in models/alerts/messages.py
    way = TextField()
    address = TextField()  # without its secret
    job_id = BigIntegerField(index=True)  # several notifications of one message share it
    inserted_at = BigIntegerField()
