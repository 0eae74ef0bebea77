"""Owns the description of answers for OpenAPI. Nothing is checked or written by these; a test holds answers to them."""

from marshmallow import Schema, fields

from models.jobs.lifecycle import STATES
from models.operations.explain import CODES
from models.schedules.firing_rows import STATUSES

ZONELESS = {"example": "2023-09-01T18:25:49", "description": "UTC, whole seconds, no zone."}
WHOLE_SECONDS = {"example": "2023-08-27T23:27:23Z", "description": "UTC, whole seconds."}
MICROS = {"example": "2023-09-01T18:26:20.353046Z", "description": "UTC, six fractional digits."}


def _instant(allow_none: bool = False) -> fields.String:
    return fields.String(metadata=MICROS, allow_none=allow_none)


class InnerJob(Schema):
    attempted_at = _instant(allow_none=True)
    cancelled_at = _instant(allow_none=True)
    completed_at = _instant(allow_none=True)
    discarded_at = _instant(allow_none=True)
    has_confict = fields.Boolean(metadata={"description": "True when a live job had the idempotency key already."})
    id = fields.Integer()
    inserted_at = _instant()
    scheduled_at = _instant()
    state = fields.String(metadata={"enum": list(STATES)})


class Job(Schema):
    id = fields.UUID()
    idempotency_key = fields.String(allow_none=True)
    inserted_at = fields.String(metadata=ZONELESS)
    name = fields.String(allow_none=True)
    description = fields.String(allow_none=True)
    user_id = fields.UUID()
    schedule_id = fields.UUID(allow_none=True)
    job_id = fields.Integer()
    job = fields.Nested(InnerJob)
    args = fields.Dict(metadata={"description": "The request as it was sent."})


class Attempt(Schema):
    number = fields.Integer()
    started_at = _instant()
    finished_at = _instant()
    lateness_ms = fields.Float()
    outcome = fields.String(metadata={"enum": ["answered", "refused", "unreachable", "lost"]})
    status_code = fields.Integer(allow_none=True)
    reason = fields.String(allow_none=True)
    dns_ms = fields.Float(allow_none=True)
    connect_ms = fields.Float(allow_none=True)
    tls_ms = fields.Float(allow_none=True)
    first_byte_ms = fields.Float(allow_none=True)
    total_ms = fields.Float(allow_none=True)
    next_at = _instant(allow_none=True)


class LogEntry(Schema):
    event = fields.String()
    id = fields.UUID()
    inserted_at = _instant()
    job_id = fields.Integer()
    payload = fields.Dict()
    user_id = fields.UUID()


class Schedule(Schema):
    id = fields.UUID()
    name = fields.String(allow_none=True)
    description = fields.String(allow_none=True)
    inserted_at = fields.String(metadata=ZONELESS)
    disabled_at = fields.String(metadata=WHOLE_SECONDS, allow_none=True)
    user_id = fields.UUID()
    frequency = fields.Dict(metadata={"example": {"cron": "0 9 * * 1-5", "timezone": "Europe/Berlin"}})
    args = fields.Dict(metadata={"description": "The request as it was sent."})


class Firing(Schema):
    fire_at = _instant()
    status = fields.String(metadata={"enum": list(STATUSES)})
    job_id = fields.Integer(allow_none=True)
    lateness_ms = fields.Float(allow_none=True)
    decided_at = _instant()
    until = _instant(allow_none=True)
    count = fields.Integer(allow_none=True)


class Preview(Schema):
    instants = fields.List(fields.String())
    description = fields.String()


class ScheduleResponse(Schema):
    data = fields.Nested(Schedule)


class SchedulesResponse(Schema):
    data = fields.List(fields.Nested(Schedule))


class FiringsResponse(Schema):
    data = fields.List(fields.Nested(Firing))


class PreviewResponse(Schema):
    data = fields.Nested(Preview)


class JobResponse(Schema):
    data = fields.Nested(Job)


class JobsResponse(Schema):
    data = fields.List(fields.Nested(Job))


class AttemptsResponse(Schema):
    data = fields.List(fields.Nested(Attempt))


class LogEntryResponse(Schema):
    data = fields.Nested(LogEntry)


class LogEntriesResponse(Schema):
    data = fields.List(fields.Nested(LogEntry))


class RelatedJob(Job):
    kind = fields.String(metadata={"enum": ["callback", "event", "request"]})


class RelatedResponse(Schema):
    data = fields.List(fields.Nested(RelatedJob))


class Endpoint(Schema):
    id = fields.UUID()
    url = fields.String()
    types = fields.List(fields.String(), allow_none=True, metadata={"description": "Null: all."})
    enabled = fields.Boolean()
    inserted_at = _instant()


class EndpointResponse(Schema):
    data = fields.Nested(Endpoint)


class EndpointsResponse(Schema):
    data = fields.List(fields.Nested(Endpoint))


class NewSigningKey(Schema):
    id = fields.UUID()
    secret = fields.String(metadata={"description": "Shown this once."})


class SigningKey(Schema):
    id = fields.UUID()
    inserted_at = _instant()
    ends_at = _instant(allow_none=True)
    live = fields.Boolean(metadata={"description": "Whether it signs now."})


class NewSigningKeyResponse(Schema):
    data = fields.Nested(NewSigningKey)


class SigningKeyResponse(Schema):
    data = fields.Nested(SigningKey)


class SigningKeysResponse(Schema):
    data = fields.List(fields.Nested(SigningKey))


class Reason(Schema):
    code = fields.String(metadata={"enum": list(CODES)})
    text = fields.String()


class Explanation(Schema):
    reasons = fields.List(fields.Nested(Reason))


class ExplanationResponse(Schema):
    data = fields.Nested(Explanation)


class Pong(Schema):
    message = fields.String()


class ChannelMessage(Schema):
    author = fields.String()
    content = fields.String()


class MessageResponse(Schema):
    data = fields.Nested(ChannelMessage)


class Channel(Schema):
    name = fields.String()
    set = fields.Boolean()
    host = fields.String(allow_none=True, metadata={"description": "Of the URL, which is a secret itself."})


class ChannelResponse(Schema):
    data = fields.Nested(Channel)


class ChannelsResponse(Schema):
    data = fields.List(fields.Nested(Channel))


class KeptMessage(ChannelMessage):
    inserted_at = _instant()


class KeptMessagesResponse(Schema):
    data = fields.List(fields.Nested(KeptMessage))


class Problem(Schema):
    status = fields.Integer()
    code = fields.String()
    message = fields.String()
    errors = fields.Dict(keys=fields.String(), values=fields.List(fields.String()))
    request_id = fields.String()


class ErrorResponse(Schema):
    error = fields.Nested(Problem)


class BatchItem(Job):
    error = fields.Nested(Problem, metadata={"description": "Alone, in the place of an order that was refused."})


class BatchResponse(Schema):
    data = fields.List(fields.Nested(BatchItem))
