"""Serves /schedules/check: what PUT would do with many schedules, so that a deployment looks before it acts."""

from typing import Any

from flask import Response
from marshmallow import Schema, ValidationError, fields

from api.auth import caller
from api.requests.fields import Must, shown
from api.requests.hops import hops
from api.requests.job_requests import due_at
from api.requests.new_schedule import new_schedule
from api.requests.options.refusals import refusals
from api.requests.reading.body import fields_of, kind_of, refuse_faults
from api.requests.reading.strict_json import Document, ListMember
from api.requests.reading.strict_schema import Strict
from api.responses import schemas, serializers
from api.responses.responses import ApiError, error_text, invalid, json_response, request_id
from api.routes.schedules import KEY_EXPECTED, ScheduleFields, blueprint, is_key
from models.jobs.job_json import compact
from models.rules import clock
from models.schedules import schedule_changes

SCHEDULES = "schedules"
MAX_SCHEDULES = 1000
EXPECTED = f"a list of 1 to {MAX_SCHEDULES} schedules, each with its `key` and the fields of a schedule"

schedule_fields = ScheduleFields()


def read_schedules(value: Any) -> list[Document]:
    """The schedules as texts and values, still unchecked."""
    if not isinstance(value, list) or not value:
        raise ValidationError(f"must be {EXPECTED}, got {'none' if value == [] else kind_of(value)}")
    return value


class CheckFields(Strict):
    """What POST /schedules/check takes."""

    list_member = ListMember(SCHEDULES, MAX_SCHEDULES)
    about = {
        "items": {
            "type": "object",
            "required": ["key"],
            "properties": {"key": {"type": "string"}},
            "additionalProperties": True,  # the fields of a schedule
        },
        "minItems": 1,
        "maxItems": MAX_SCHEDULES,
        "example": [{"key": "daily-report", "url": "https://example.com/report", "cron": "0 9 * * 1-5"}],
    }
    schedules = Must(EXPECTED, read_schedules, "array", required=True, metadata=about)


VERDICT = {
    "type": "object",
    "required": ["change", "key"],
    "properties": {
        "key": {"type": "string", "example": "daily-report"},
        "change": {"type": "string", "enum": list(schedule_changes.CHANGES)},
    },
}


class CheckResponse(Schema):
    data = fields.List(fields.Raw(metadata={"anyOf": [VERDICT, *schemas.either(schemas.ErrorResponse)["anyOf"]]}))


@blueprint.route("/schedules/check", methods=["POST"])
@blueprint.arguments(CheckFields())
@blueprint.response(200, CheckResponse, description="What would become of each, or its error, in their order.")
def check_schedules(batch: dict[str, list[Document]]) -> Response:
    """Say what PUT would do with up to 1,000 schedules. Changes nothing."""
    now = clock.now()
    return json_response(serializers.data_list([_text(document, now) for document in batch[SCHEDULES]]))


def _text(document: Document, now: int) -> str:
    try:
        return _verdict(document, now)
    except ApiError as error:
        return error_text(error, request_id())
    except ValidationError as error:
        return error_text(invalid(error.normalized_messages()), request_id())


def _verdict(document: Document, now: int) -> str:
    """The group that a schedule names may come into being later, so nobody looks for it."""
    refuse_faults(document)
    sent = fields_of(document)
    key = sent.pop("key", None)
    if not isinstance(key, str) or not is_key(key):
        raise invalid({"key": [f"must be {KEY_EXPECTED}, got {shown(key)}"]})
    job_request = schedule_fields.load(sent)
    new = new_schedule(job_request, caller().account_id, due_at(job_request, now), now, hops(), key)
    with refusals():
        return compact({"key": key, "change": schedule_changes.change_by(new)})
