"""Reads a request's body, JSON or form, as plain values, before any schema checks them.

A body that is neither, or that can't be stored, ends here: 400, 413, 415 or 422.
"""

import codecs
import re
from collections.abc import Callable
from typing import Any

from flask import request
from marshmallow import Schema, ValidationError
from werkzeug.exceptions import HTTPException

from api import batch_turns
from api.context import settings
from api.requests import forms
from api.requests.reading import strict_json
from api.requests.reading.strict_schema import flat
from api.responses.responses import ApiError, error_text, invalid, request_id
from models.jobs.job_json import JSON_TYPE
from models.operations.acks import MAX_BODY_BYTES

FORM = "application/x-www-form-urlencoded"
BATCH = "batch"  # the blueprint whose requests may be larger
ACKS = "acks"  # the blueprint whose requests come from strangers, and are kept as responses are
CHARSETS = {"utf-8", "utf8", "us-ascii", "ascii"}

_LIKE_JSON = re.compile(rb'\s*(\{\s*["}]|\[\s*[\[{"\]])')
_LIKE_FORM = re.compile(rb"[\w.\[\]%-]+=")


class Fields(dict[str, Any]):
    """The members of a request's body. `body_text`: the text of its member `body` exactly as written, if known."""

    body_text: str | None = None


def read_fields() -> Fields:
    """The object in the request's body, JSON or form."""
    if request.mimetype == FORM:
        return _form_fields()
    return fields_of(read_json())


def load_optional(schema: Schema) -> dict[str, Any]:
    """The body as the schema reads it, an object without members if there is none; 422 with all errors."""
    return load_optional_with_fields(schema)[0]


def load_optional_with_fields(schema: Schema) -> tuple[dict[str, Any], Fields]:
    """As `load_optional`, and the fields as they were sent."""
    has_body = bool(request.content_length) or "Transfer-Encoding" in request.headers
    sent = read_fields() if has_body else Fields()
    try:
        return schema.load(sent), sent
    except ValidationError as error:
        raise invalid(dict(flat(error.normalized_messages()))) from None


def fields_of(document: strict_json.Document) -> Fields:
    """The members of an object; 422 for a member given twice."""
    if not isinstance(document.value, dict):
        raise invalid({"": [f"must be a JSON object, got {kind_of(document.value)}"]})
    if repeated := document.repeated | _repeated_within(document):
        raise invalid({name: ["must be given once, got it several times"] for name in repeated})
    fields = Fields(document.value)
    fields.body_text = document.texts.get("body")
    return fields


def _repeated_within(document: strict_json.Document) -> set[str]:
    """The paths of headers, query and filter members given more than once: nobody knows which of them would count."""
    names = ("headers", "query", "filter")
    objects = {name: document.texts[name] for name in names if isinstance(document.value.get(name), dict)}
    return {f"{name}.{member}" for name, text in objects.items() for member in strict_json.parse(text).repeated}


def read_json(list_member: strict_json.ListMember | None = None) -> strict_json.Document:
    """The JSON text in the request's body, of any kind. `refuse_faults` still has to check the elements of a
    `list_member`."""
    if not request.is_json:
        accepted = JSON_TYPE if list_member else f"{JSON_TYPE} or {FORM}"
        raise ApiError(415, f"Content-Type must be {accepted}, got {request.content_type or 'none'!s:.80}")
    data = _body()
    if list_member:
        batch_turns.take(len(data))
    try:
        document = strict_json.parse(data.decode(), list_member)
    except UnicodeDecodeError:
        raise ApiError(400, f"The body must be JSON in UTF-8, got {_encoding_of(data)}.") from None
    except strict_json.BadJson as error:
        raise ApiError(400, f"The body must be JSON, got {_no_json(data) or f'something else: {error}'}.") from None
    except strict_json.TooMany as error:
        name, max_elements = error.member
        raise invalid({name: [f"must have at most {max_elements} elements, got more"]}) from None
    except strict_json.TooDeep:
        raise invalid({"": [f"must be nested at most {strict_json.MAX_DEPTH} deep, got more"]}) from None
    if not list_member:
        refuse_faults(document)
    return document


def read_documents(expected: str) -> Callable[[Any], list[strict_json.Document]]:
    """Makes what reads a list whose elements are checked one by one, still unchecked. Too many of them were refused
    while they were parsed."""

    def read(value: Any) -> list[strict_json.Document]:
        if not isinstance(value, list) or not value:
            raise ValidationError(f"must be {expected}, got {'none' if value == [] else kind_of(value)}")
        return value

    return read


def text_or_error(document: strict_json.Document, make: Callable[[strict_json.Document], str]) -> str:
    """The text that answers an element of a list, or that of its error: a wrong one does not affect the others."""
    try:
        refuse_faults(document)
        return make(document)
    except ApiError as error:
        return error_text(error, request_id())
    except ValidationError as error:
        return error_text(invalid(error.normalized_messages()), request_id())


def refuse_faults(document: strict_json.Document) -> None:
    """Answer 422 to JSON that can't be stored."""
    _refuse(strict_json.faults(document.value, document.text))


def body_limit() -> int:
    """How many bytes the body of this request may have."""
    if request.blueprint == BATCH:
        return settings().max_batch_bytes
    return min(MAX_BODY_BYTES, settings().max_body_bytes) if request.blueprint == ACKS else settings().max_body_bytes


def read_bytes() -> bytes:
    """The request's body, never more than the settings allow."""
    try:
        data = request.get_data()
    except HTTPException:
        raise
    except Exception as error:  # noqa: BLE001 - each WSGI server raises its own for broken chunks
        raise ApiError(400, f"The body must come whole, got one that broke off: {type(error).__name__}") from None
    if len(data) > body_limit():
        raise too_large("more")
    return data


def too_large(size: int | str) -> ApiError:
    """413, for a length that is stated or found while reading."""
    return ApiError(413, f"The body must be at most {body_limit()} bytes, got {size}.")


def kind_of(value: Any) -> str:
    """The JSON kind of a value, in words."""
    kinds = {dict: "an object", list: "a list", str: "a string", bool: "a boolean", type(None): "null"}
    return kinds.get(type(value), "a number")


def _encoding_of(data: bytes) -> str:
    return "UTF-16" if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) else "bytes of another encoding"


def _no_json(data: bytes) -> str | None:
    """What is often sent in place of JSON, in words."""
    if not data.strip():
        return "nothing; without fields, send {}"
    if _LIKE_FORM.match(data):
        return f"a form; send it with Content-Type: {FORM}"
    return "text in single quotes; a shell of Windows takes double quotes only" if data.startswith(b"'") else None


def _form_fields() -> Fields:
    data = _body()
    if _LIKE_JSON.match(data):
        raise ApiError(415, f"Content-Type must be {JSON_TYPE} for a body of JSON, got {FORM}.")
    try:
        fields = forms.parse(data)
    except forms.BadForm as error:
        raise ApiError(400, f"The body must be a form, got something else: {error}") from None
    _refuse(strict_json.faults(fields))
    return Fields(forms.with_numbers(fields))


def _body() -> bytes:
    """The bytes of a text, without a mark of their order."""
    charset = request.mimetype_params.get("charset", "utf-8").lower()
    if charset not in CHARSETS:
        raise ApiError(415, f"The charset must be utf-8, got {charset!s:.40}")
    coding = request.headers.get("Content-Encoding", "").strip().lower()
    if coding not in ("", "identity"):
        raise ApiError(415, f"Content-Encoding must be absent, got {coding!s:.40}; send the body uncompressed.")
    return read_bytes().removeprefix(codecs.BOM_UTF8)


def _refuse(faults: list[tuple[str, str]]) -> None:
    if faults:
        raise invalid({path: [message for place, message in faults if place == path] for path, _ in faults})
