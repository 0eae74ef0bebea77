"""Turns the OpenAPI document into what the page of the API shows: operations with their fields and answers."""

import json
from collections.abc import Iterator
from typing import Any, NamedTuple

from api.documentation import Document, operations

JSON = "application/json"


class Field(NamedTuple):
    """A parameter or a member of a body. `form`: what it may be, in a few words."""

    name: str
    place: str
    form: str
    required: bool
    about: str


class Operation(NamedTuple):
    """One method of one address."""

    name: str
    method: str
    path: str
    summary: str
    about: str
    needs_key: bool
    fields: list[Field]
    example: str
    answers: list[tuple[str, str]]
    answer: str


class Group(NamedTuple):
    """The operations of one tag."""

    name: str
    about: str
    operations: list[Operation]


def groups(document: Document) -> list[Group]:
    """The operations of the document and what Booper sends by itself, by their tags."""
    received = [(f"your address ({name})", "post", item["post"]) for name, item in document["webhooks"].items()]
    every = [*operations(document), *received]
    return [
        Group(tag["name"].replace("_", " "), tag.get("description", ""), made)
        for tag in document["tags"]
        if (made := [_operation(document, *each) for each in every if tag["name"] in each[2]["tags"]])
    ]


def _operation(document: Document, path: str, method: str, operation: Document) -> Operation:
    shared = document["paths"].get(path, {}).get("parameters", [])
    media = operation.get("requestBody", {}).get("content", {}).get(JSON, {})
    described = operation["description"]
    return Operation(
        operation["operationId"],
        method.upper(),
        path,
        operation["summary"],
        "" if described == operation["summary"] else described,
        bool(operation.get("security", document["security"])),
        [*_parameters([*shared, *operation.get("parameters", [])]), *_members(document, media.get("schema", {}))],
        _written(media),
        [
            (status, _target(document, answer).get("description", ""))
            for status, answer in operation["responses"].items()
        ],
        _written(_success(operation).get("content", {}).get(JSON, {})),
    )


def _parameters(parameters: list[Document]) -> Iterator[Field]:
    for each in parameters:
        about = each.get("description") or each["schema"].get("description", "")
        yield Field(each["name"], each["in"], form_of(each["schema"]), bool(each.get("required")), about)


def _members(document: Document, schema: Document) -> Iterator[Field]:
    schema = _target(document, schema)
    required = schema.get("required", ())
    for name, member in schema.get("properties", {}).items():
        yield Field(name, "body", form_of(member), name in required, member.get("description", ""))


def form_of(schema: Document) -> str:
    """What a value may be: `string or null`, `integer`, `object`."""
    if "$ref" in schema:
        return "object"
    if "anyOf" in schema:
        return " or ".join(dict.fromkeys(form_of(each) for each in schema["anyOf"]))
    kinds = schema.get("type", "any JSON")
    return " or ".join(kinds) if isinstance(kinds, list) else str(kinds)


def _success(operation: Document) -> Document:
    answers = operation["responses"].items()
    return next((answer for status, answer in answers if status[0] == "2"), {})


def _target(document: Document, part: Document) -> Document:
    if "$ref" not in part:
        return part
    target: Any = document
    for name in part["$ref"].removeprefix("#/").split("/"):
        target = target[name]
    return dict(target)


def _written(media: Document) -> str:
    return json.dumps(media["example"], indent=2, ensure_ascii=False) if "example" in media else ""
