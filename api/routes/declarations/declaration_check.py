"""Serves /declarations/check: what would become of the declarations of a file, so that a deployment looks before it
acts. Schedules have a check of their own."""

from typing import Any

from flask import Response
from marshmallow import Schema, fields

from api.blueprint import Blueprint
from api.requests.fields import Must, choice, words_form
from api.requests.reading.body import fields_of, read_documents, text_or_error
from api.requests.reading.strict_json import Document, ListMember
from api.requests.reading.strict_schema import Strict
from api.responses import schemas, serializers
from api.responses.responses import json_response
from api.routes.declarations import (
    declared_alerts,
    declared_calendars,
    declared_channels,
    declared_endpoints,
    declared_flows,
    declared_groups,
)
from api.routes.declarations.declared import CHANGES, Kind, verdict
from models.jobs.job_json import compact

blueprint = Blueprint("declarations", __name__, description="What a file declares, compared with what there is.")

KINDS: dict[str, Kind] = {
    "calendars": declared_calendars.KIND,
    "groups": declared_groups.KIND,
    "flows": declared_flows.KIND,
    "endpoints": declared_endpoints.KIND,
    "channels": declared_channels.KIND,
    "alerts": declared_alerts.KIND,
}
DECLARATIONS = "declarations"
MAX_DECLARATIONS = 100
EXPECTED = f"a list of 1 to {MAX_DECLARATIONS} objects with kind, name and fields"


def read_text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError
    return value


def read_object(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise TypeError
    return value


class DeclarationFields(Strict):
    """A declaration. `name`: of an endpoint its URL, of a flow its key."""

    class Meta(Strict.Meta):  # a class can't have an attribute called `fields`
        include = {"fields": Must("an object", read_object, "object", required=True)}

    kind = choice(tuple(KINDS), required=True)
    name = Must("a string", read_text, "string", required=True)


class DeclarationsFields(Strict):
    """What POST /declarations/check takes."""

    list_member = ListMember(DECLARATIONS, MAX_DECLARATIONS)
    about = {
        "items": {
            "type": "object",
            "required": ["kind", "name", "fields"],
            "properties": {
                "kind": words_form(KINDS),
                "name": {"type": "string"},
                "fields": {"type": "object"},
            },
            "additionalProperties": False,
        },
        "minItems": 1,
        "maxItems": MAX_DECLARATIONS,
        "example": [{"kind": "flows", "name": "shop-42", "fields": {"rate": 10, "per": "1m"}}],
    }
    declarations = Must(EXPECTED, read_documents(EXPECTED), "array", required=True, metadata=about)


VERDICT = {
    "type": "object",
    "required": ["after", "before", "change", "id", "kind", "name"],
    "properties": {
        "kind": words_form(KINDS),
        "name": {"type": "string", "example": "shop-42"},
        "change": words_form(CHANGES),
        "id": {"type": ["string", "null"], "example": None},
        "before": {"type": ["object", "null"], "example": None},
        "after": {"type": "object", "example": {"rate": 10, "per": 60.0}},
    },
}


class DeclarationsResponse(Schema):
    data = fields.List(fields.Raw(metadata=schemas.or_error(VERDICT)))


declaration_fields = DeclarationFields()


@blueprint.route("/declarations/check", methods=["POST"])
@blueprint.arguments(DeclarationsFields())
@blueprint.response(200, DeclarationsResponse, description="What would become of each, or its error, in their order.")
def check_declarations(batch: dict[str, list[Document]]) -> Response:
    """Say what would become of up to 100 declarations. Changes nothing."""
    return json_response(serializers.data_list([text_or_error(each, _verdict) for each in batch[DECLARATIONS]]))


def _verdict(document: Document) -> str:
    declared = declaration_fields.load(fields_of(document))
    kind, name = declared["kind"], declared["name"]
    return compact({"kind": kind, "name": name, **verdict(KINDS[kind], name, declared["fields"])})
