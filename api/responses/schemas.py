"""Describes for OpenAPI what several resources answer: the envelopes, the job, the error.

Schemas of one resource stand beside its routes. They check and write nothing; a test compares responses with them.
"""

from functools import cache
from typing import Any

from marshmallow import Schema, fields

from models.jobs.job_json import JSON_TYPE
from models.jobs.states import STATES

EXPANDED = "x-expand"  # of a member that is there when the request asks for it
ZONELESS = {"example": "2023-09-01T18:25:49", "description": "UTC, whole seconds, no zone."}
WHOLE_SECONDS = {"example": "2023-08-27T23:27:23Z", "description": "UTC, whole seconds."}
# Beside JSON. Described for POST /jobs alone: of two kinds of bodies, some generators make code that does not run.
FORM_BODY = {
    "content": {
        "application/x-www-form-urlencoded": {
            "schema": {
                "type": "object",
                "description": "The same fields, names in brackets: `body[content]=hi&schedule_in[]=30`.",
                "additionalProperties": {"type": "string"},
            }
        }
    }
}
MICROS = {"example": "2023-09-01T18:26:20.353046Z", "description": "UTC, six fractional digits."}


def instant(allow_none: bool = False) -> fields.String:
    return fields.String(metadata=MICROS, allow_none=allow_none)


@cache
def single(schema: type[Schema]) -> type[Schema]:
    """The envelope of one object: `{"data": {…}}`."""
    return Schema.from_dict({"data": fields.Nested(schema)}, name=f"{schema.__name__}Response")


@cache
def list_of(schema: type[Schema]) -> type[Schema]:
    """The envelope of a list: `{"data": [{…}]}`."""
    return Schema.from_dict({"data": fields.List(fields.Nested(schema))}, name=f"{schema.__name__}ListResponse")


def body_of(schema: Schema | type[Schema], required: bool = True) -> dict[str, Any]:
    """The body of a request that its view reads by itself."""
    return {"required": required, "content": {JSON_TYPE: {"schema": schema}}}


def either(*forms: type[Schema]) -> dict[str, Any]:
    """One of several objects that are answered elsewhere, too."""
    return {"anyOf": [{"$ref": f"#/components/schemas/{form.__name__}"} for form in forms]}


def or_error(form: dict[str, Any]) -> dict[str, Any]:
    """What answers an element of a list: an object of this form, or its error."""
    return {"anyOf": [form, *either(ErrorResponse)["anyOf"]]}


class InnerJob(Schema):
    attempted_at = instant(allow_none=True)
    cancelled_at = instant(allow_none=True)
    completed_at = instant(allow_none=True)
    discarded_at = instant(allow_none=True)
    has_confict = fields.Boolean(metadata={"description": "True when a live job had the idempotency key already."})
    id = fields.Integer()
    inserted_at = instant()
    scheduled_at = instant()
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


ONE_OR_MANY = {"anyOf": [JOB := {"$ref": f"#/components/schemas/{Job.__name__}"}, {"type": "array", "items": JOB}]}


class OrderedResponse(Schema):
    data = fields.Raw(metadata=ONE_OR_MANY)


class Problem(Schema):
    status = fields.Integer()
    code = fields.String()
    message = fields.String()
    errors = fields.Dict(keys=fields.String(), values=fields.List(fields.String()))
    request_id = fields.String()


class ErrorResponse(Schema):
    error = fields.Nested(Problem)
