"""Freezes what the OpenAPI document promises: tests/api/openapi.txt changes only together with the API."""

from dataclasses import replace
from pathlib import Path

import pytest
from openapi_schema_validator import OAS31Validator
from openapi_spec_validator import OpenAPIV31SpecValidator

from api import create_app
from api.documentation import Documentation, operations
from api.requests.job_fields import JobFields
from api.requests.text_forms import HEADER_NAME
from models.webhooks.event_types import EVENT_TYPES
from tests.support.api_client import FORM, document_of
from tests.support.openapi import contract, dangling_references, objections

FROZEN = Path(__file__).with_name("openapi.txt")


@pytest.fixture
def document(bare):
    return bare.get("/api/openapi.json").json


def test_the_paths_fields_and_responses_are_those_promised(document):
    assert contract(document) == FROZEN.read_text(), "if the change is meant: make openapi"


def test_every_reference_names_something_that_the_document_defines(document):
    assert dangling_references(document) == []


def test_an_app_describes_its_routes_once_somebody_asks_for_the_document(settings, document):
    app = create_app(settings)
    described = len(app.extensions[Documentation.EXTENSION].spec.to_dict()["paths"])

    answers = [app.test_client().get("/api/openapi.json").json for _ in range(2)]

    assert described == 0
    assert answers == [document, document]


@pytest.mark.parametrize(("setting", "name"), [("max_timeout_s", "timeout"), ("max_ack_s", "ack_within")])
@pytest.mark.parametrize("limit_s", [60, 7000])
def test_the_document_and_the_message_tell_the_limit_that_is_in_force(settings, setting, name, limit_s):
    app = create_app(replace(settings, **{setting: limit_s}))
    with app.app_context():
        messages = JobFields().validate({"url": "https://example.com/", name: limit_s + 1})
        allowed = JobFields().validate({"url": "https://example.com/", name: limit_s})

    for schema in ("JobFields", "JobChange"):
        number, *_ = document_of(app)["components"]["schemas"][schema]["properties"][name]["anyOf"]
        assert number == {"type": "number", "minimum": 1, "maximum": limit_s}
    assert messages == {name: [f"must be from 1 to {limit_s} seconds, got {limit_s + 1}"]}
    assert allowed == {}


def test_a_limit_that_a_setting_decides_allows_null_too(document):
    assert document["components"]["schemas"]["JobFields"]["properties"]["timeout"]["anyOf"][-1] == {"type": "null"}


def test_a_field_that_is_gone_is_noticed(document):
    del document["components"]["schemas"]["Firing"]["properties"]["lateness_ms"]

    assert contract(document) != FROZEN.read_text()


def test_the_document_is_valid_openapi(document):
    OpenAPIV31SpecValidator(document).validate()


def test_every_operation_has_examples_that_its_schemas_allow(document):
    examples = [
        (operation["operationId"], media)
        for operation in [*(each for *_, each in operations(document)), *received(document)]
        for part in (operation.get("requestBody", {}), *operation["responses"].values())
        for media in [part.get("content", {}).get("application/json")]
        if media and "$ref" not in part
    ]

    assert len(examples) > 100
    for name, media in examples:
        if media.get("schema"):
            validator = OAS31Validator({**media["schema"], "components": document["components"]})
            assert [error.message for error in validator.iter_errors(media["example"])] == [], name


@pytest.mark.parametrize("name", ["JobFields", "ScheduleFields"])
def test_an_example_of_a_request_is_one_that_the_server_takes(document, client, name):
    path = {"JobFields": "/api/jobs", "ScheduleFields": "/api/schedules"}[name]
    example = document["paths"][path]["post"]["requestBody"]["content"]["application/json"]["example"]

    assert client.post(path, json=example).status_code == 201


def received(document):
    return [item["post"] for item in document["webhooks"].values()]


def test_what_booper_sends_by_itself_is_described(document):
    assert set(document["webhooks"]) == {"callback", *EVENT_TYPES}
    assert all(
        {"webhook-id", "webhook-signature"} <= {each["name"] for each in op["parameters"]} for op in received(document)
    )


def test_every_operation_says_what_it_needs_and_what_it_answers(document):
    for path, method, operation in operations(document):
        assert operation["operationId"], (method, path)
        assert operation["summary"], (method, path)
        assert any(status[0] == "4" for status in operation["responses"]), (method, path)
        answers = [answer for status, answer in operation["responses"].items() if status[0] == "2"]
        assert all("content" in answer or status_204(operation) for answer in answers), (method, path)


def status_204(operation):
    return "204" in operation["responses"]


def test_a1_linters_have_nothing_to_object_to(document):
    assert list(objections(document)) == []


@pytest.mark.parametrize(
    ("path", "harm"),
    [
        (("components", "schemas", "JobFields", "properties", "labels"), {"type": "array"}),
        (("components", "schemas", "JobFields", "properties", "body"), {"nullable": True}),
        (("components", "schemas", "Unused"), {"type": "object"}),
        (("paths", "/api/jobs", "post", "operationId"), "list_jobs"),
        (("paths", "/api/jobs", "post", "tags"), []),
        (("paths", "/api/jobs", "post", "responses"), {"default": {}}),
        (("info", "license"), None),
        (("servers",), []),
    ],
)
def test_what_linters_object_to_is_noticed(document, path, harm):
    place = document
    for name in path[:-1]:
        place = place[name]

    place[path[-1]] = harm

    assert list(objections(document)) != []


def test_each_operation_has_the_errors_of_its_parts(document):
    statuses = {(method, path): set(operation["responses"]) for path, method, operation in operations(document)}

    assert {"400", "401", "413", "415", "422"} <= statuses["post", "/api/jobs"]
    assert {"401", "404"} <= statuses["get", "/api/jobs/{key}"]
    assert "401" not in statuses["get", "/api/ping"]


@pytest.mark.parametrize(
    ("path", "method", "statuses"),
    [("/api/jobs", "post", {"200", "201"}), ("/api/schedules/{key}", "put", {"200", "201"})],
)
def test_every_success_is_described_with_what_it_answers(document, path, method, statuses):
    responses = document["paths"][path][method]["responses"]

    assert {status for status in responses if status < "300"} == statuses
    assert all("schema" in responses[status]["content"]["application/json"] for status in statuses)


def test_shared_responses_are_described_alike_by_every_version_of_python(document):
    """Python renamed the status 422 in 3.13, and flask-smorest describes it by its name."""
    shared = document["components"]["responses"]
    assert [(name, response["description"]) for name, response in shared.items()] == [
        ("DEFAULT_ERROR", "An error, in the one shape of errors."),
        ("UNPROCESSABLE_ENTITY", "Unprocessable Entity"),
    ]


def test_a_job_may_be_ordered_by_a_form_and_with_a_key(document):
    operation = document["paths"]["/api/jobs"]["post"]

    assert set(operation["requestBody"]["content"]) == {"application/json", FORM}
    assert [parameter["name"] for parameter in operation["parameters"]] == ["Idempotency-Key"]


def test_a_cursor_is_described_in_the_answer_s_headers(document):
    headers = document["paths"]["/api/jobs"]["get"]["responses"]["200"]["headers"]

    assert {name: header["schema"] for name, header in headers.items()} == {
        "Booper-Next-Cursor": {"type": "string"},
        "Link": {"type": "string"},
    }


def test_the_document_keeps_what_openapi_3_1_says_of_a_field(bare):
    """apispec drops words that OpenAPI 3.0 did not have."""
    fields = document_of(bare.app)["components"]["schemas"]["JobFields"]["properties"]

    assert fields["flow"]["dependentRequired"] == {"rate": ["per"], "per": ["rate"]}
    assert fields["headers"]["propertyNames"] == {"pattern": HEADER_NAME}
    assert fields["dedup"]["then"] == {"not": {"properties": {"content": {}}, "required": ["content"]}}
    assert fields["body_base64"]["contentEncoding"] == "base64"
