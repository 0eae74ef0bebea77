"""Serves /schedules/check: what PUT would do with many schedules, so that a deployment looks before it acts."""

from functools import partial

from flask import Response
from marshmallow import Schema, fields

from api.auth import caller
from api.requests.fields import Must, shown
from api.requests.hops import hops
from api.requests.job_requests import due_at
from api.requests.new_schedule import new_schedule
from api.requests.options.refusals import refusals
from api.requests.reading.body import fields_of, read_documents, text_or_error
from api.requests.reading.strict_json import Document, ListMember
from api.requests.reading.strict_schema import Strict
from api.responses import schemas, serializers
from api.responses.responses import invalid, json_response
from api.routes.schedules import KEY_EXPECTED, ScheduleFields, blueprint, is_key
from models.jobs.job_json import compact
from models.rules import clock
from models.schedules import change_check

SCHEDULES = "schedules"
MAX_SCHEDULES = 1000
EXPECTED = f"a list of 1 to {MAX_SCHEDULES} schedules, each with its `key` and the fields of a schedule"

schedule_fields = ScheduleFields()


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
    schedules = Must(EXPECTED, read_documents(EXPECTED), "array", required=True, metadata=about)


VERDICT = {
    "type": "object",
    "required": ["change", "counts", "key"],
    "properties": {
        "key": {"type": "string", "example": "daily-report"},
        "change": {"type": "string", "enum": list(change_check.CHANGES)},
        "counts": {"type": "boolean", "description": "One more is enabled then, as the account's limit counts them."},
    },
}


class CheckResponse(Schema):
    data = fields.List(fields.Raw(metadata=schemas.or_error(VERDICT)))


@blueprint.route("/schedules/check", methods=["POST"])
@blueprint.arguments(CheckFields())
@blueprint.response(200, CheckResponse, description="What would become of each, or its error, in their order.")
def check_schedules(batch: dict[str, list[Document]]) -> Response:
    """Say what PUT would do with up to 1,000 schedules. Changes nothing."""
    now = clock.now()
    texts = [text_or_error(document, partial(_verdict, now=now)) for document in batch[SCHEDULES]]
    return json_response(serializers.data_list(texts))


def _verdict(document: Document, now: int) -> str:
    """The group that a schedule names may come into being later, so nobody looks for it."""
    sent = fields_of(document)
    key = sent.pop("key", None)
    if not isinstance(key, str) or not is_key(key):
        raise invalid({"key": [f"must be {KEY_EXPECTED}, got {shown(key)}"]})
    job_request = schedule_fields.load(sent)
    new = new_schedule(job_request, caller().account_id, due_at(job_request, now), now, hops(), key)
    with refusals():
        return compact({"key": key, **change_check.change_by(new)._asdict()})
