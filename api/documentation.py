"""Makes the OpenAPI document: from the schemas that check requests, completed by what holds for every route.

flask-smorest collects schemas and docstrings. `completed` adds what they leave out: errors, examples, what
Booper sends by itself. Linters accept the document, and generated clients have every operation.
"""

from collections.abc import Callable, Iterator
from functools import cached_property
from threading import Lock
from typing import Any

import flask_smorest
from flask import Response
from marshmallow.fields import Field
from werkzeug.exceptions import HTTPException

from api.requests.fields import Must
from api.responses import responses
from api.responses.schema_examples import add_examples
from api.responses.schemas import EXPANDED, ErrorResponse
from api.responses.webhook_schemas import SCHEMAS, webhooks
from models.jobs.job_json import compact

Document = dict[str, Any]

METHODS = ("get", "post", "put", "patch", "delete")
ERROR = {"$ref": "#/components/responses/DEFAULT_ERROR"}
INVALID, INVALID_SINCE_3_13 = "UNPROCESSABLE_ENTITY", "UNPROCESSABLE_CONTENT"  # Python's names of the status 422
KEPT = ("if", "then", "else", "dependentRequired", "propertyNames", "contains", "contentEncoding")
ABOUT = {
    "description": "Orders HTTP requests for a time, repeats them by schedules, and says what came of them.",
    "contact": {"name": "The operator of this Booper"},
    "license": {"name": "MIT", "url": "https://opensource.org/license/mit"},
}


class Documentation(flask_smorest.Api):
    """OpenAPI from the schemas that check requests. `api/responses/responses.py` answers errors."""

    EXTENSION = "booper.documentation"
    ERROR_SCHEMA = ErrorResponse
    server = "/"  # below which path the server is

    def __init__(self, *arguments: Any, **options: Any) -> None:
        self._waiting: list[Callable[[], None]] = []
        self._describing = Lock()
        self._document: Document = {}
        super().__init__(*arguments, **options)
        self.ma_plugin.converter.add_attribute_function(_kept)
        self.ma_plugin.converter.add_attribute_function(_in_force)

    def describe_later(self, describe: Callable[[], None]) -> None:
        """Call `describe` once somebody asks for the document: most processes that start are never asked for it."""
        self._waiting.append(describe)

    def handle_http_exception(self, error: HTTPException) -> Response:
        return responses.from_http(error)

    def view(self) -> Response:
        """Answer the document, which is written once."""
        return responses.json_response(self._text)

    @property
    def document(self) -> Document:
        with self._describing:  # threads may ask at once, and both steps change the document in place
            if not self._document:
                for describe in self._waiting:
                    describe()
                self._document = completed(self.spec.to_dict(), self.server)
            return self._document

    @cached_property
    def _text(self) -> str:
        return compact(self.document)


def _kept(_: Any, field: Field[Any], **__: Any) -> Document:
    """What apispec drops of a field's form: it knows only the words of OpenAPI 3.0."""
    return {word: field.metadata[word] for word in KEPT if word in field.metadata}


def _in_force(_: Any, field: Field[Any], **__: Any) -> Document:
    """What the settings decide about the values of a field."""
    return field.form_in_force() if isinstance(field, Must) else {}


def security() -> Document:
    """Every route requires a key unless it says otherwise."""
    scheme = {"type": "http", "scheme": "bearer", "description": "A key that begins with sk_."}
    return {"components": {"securitySchemes": {"key": scheme}}, "security": [{"key": []}]}


def completed(document: Document, server: str) -> Document:
    """The document that flask-smorest made, completed in place."""
    document["info"] |= ABOUT
    document["servers"] = [{"url": server, "description": "The server that gave this document."}]
    shared = document["components"]["responses"]
    invalid = shared.pop(INVALID_SINCE_3_13, None) or shared.pop(INVALID)
    shared[INVALID] = invalid | {"description": "Unprocessable Entity"}
    shared["DEFAULT_ERROR"]["description"] = "An error, in the one shape of errors."
    for path, _, operation in operations(document):
        _complete(document, path, operation)
    for schema in _schemas_of_answers(document):
        schema["required"] = sorted(name for name, member in schema["properties"].items() if EXPANDED not in member)
    document["webhooks"] = webhooks()
    document["tags"].append({"name": "webhooks", "description": "What Booper sends to your addresses by itself."})
    document["components"]["schemas"] |= SCHEMAS
    _drop_unused(document)
    for operation in (*(each for *_, each in operations(document)), *_received(document)):
        add_examples(document, operation)
    add_examples(document, {"responses": document["components"]["responses"]})
    return document


def operations(document: Document) -> Iterator[tuple[str, str, Document]]:
    """Each operation with its path and method."""
    for path, item in document["paths"].items():
        for method in METHODS:
            if method in item:
                yield path, method, item[method]


def _complete(document: Document, path: str, operation: Document) -> None:
    operation.setdefault("description", operation["summary"])
    answers = operation["responses"]
    if "422" in answers:
        answers["422"] = {"$ref": f"#/components/responses/{INVALID}"}
    statuses = ["401"] if operation.get("security", document["security"]) else []
    statuses += ["404"] if "{" in path else []
    statuses += ["400", "413", "415", "422"] if "requestBody" in operation else []
    for status in statuses or ["405"]:
        answers[status] = answers.get(status, ERROR)
    operation["responses"] = dict(sorted(answers.items()))


def _schemas_of_answers(document: Document) -> list[Document]:
    """The objects that responses consist of: all their members are always there, unless they are expanded."""
    waiting = [answer for *_, operation in operations(document) for answer in operation["responses"].values()]
    seen: list[Document] = []
    while waiting:
        for part in _dictionaries(waiting.pop()):
            target = _target(document, part)
            if target is not None and not any(target is other for other in seen):
                seen.append(target)
                waiting.append(target)
    return [schema for schema in seen if "properties" in schema]


def _target(document: Document, part: Document) -> Document | None:
    """What a reference names."""
    reference = part.get("$ref")
    if not isinstance(reference, str):
        return None
    target: Any = document
    for name in reference.removeprefix("#/").split("/"):
        target = target[name]
    return target if isinstance(target, dict) else None


def _received(document: Document) -> list[Document]:
    """The operations that receivers of Booper's requests have."""
    return [item["post"] for item in document["webhooks"].values()]


def _drop_unused(document: Document) -> None:
    """Leave out components that nothing refers to: flask-smorest registers some for features that are not used."""
    used = {part["$ref"] for part in _dictionaries(document) if isinstance(part.get("$ref"), str)}
    for kind in ("schemas", "responses", "headers", "parameters"):
        components = document["components"].get(kind, {})
        for name in [name for name in components if f"#/components/{kind}/{name}" not in used]:
            del components[name]


def _dictionaries(value: Any) -> Iterator[Document]:
    if isinstance(value, dict):
        yield value
        for inner in value.values():
            yield from _dictionaries(inner)
    if isinstance(value, list):
        for inner in value:
            yield from _dictionaries(inner)
