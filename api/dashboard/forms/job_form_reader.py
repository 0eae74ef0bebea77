"""Reads the job form: from its fields to the request that POST /api/jobs takes.

The API's schema checks the result; what can't be read is reported together with what the schema refuses. A browser
sends every line end as CRLF; a body that was not edited keeps the bytes of the old job.
"""

import json
from typing import Any

from marshmallow import Schema, ValidationError

from api.dashboard.forms import json_mode
from api.dashboard.forms.job_form import (
    BOUNDS,
    FLOW_MEMBERS,
    LISTS,
    NUMBERS,
    OPTIONS,
    StoredRequest,
    body_of,
    sent_as_text,
    to_the_second,
    unix_lines,
)
from api.dashboard.forms.job_times import number, request_times
from api.dashboard.reader_times import ZONE, in_utc, in_zone
from api.requests.job_requests import JobRequest
from api.requests.reading import strict_json
from api.requests.reading.body import Fields

ANY_URL = "https://example.com/"  # the schema requires one


class Reading:
    """The fields of a request, as far as the form can be read, and the errors of the others."""

    def __init__(self) -> None:
        self.fields = Fields()
        self.errors: dict[str, list[str]] = {}

    def refuse(self, error: ValidationError) -> None:
        for name, texts in error.normalized_messages().items():
            self.errors.setdefault(name, []).extend(texts)


def read_job_form(schema: Schema, form: dict[str, str], original: StoredRequest | None = None) -> JobRequest:
    """The request of a form. Raises ValidationError with all errors: what can't be read, and what the schema refuses.
    `original`: the job or schedule that the form was filled in from."""
    is_text = form.get(json_mode.MODE) == json_mode.JSON
    reading = _read_text(form, original) if is_text else _read(form, original)
    dropped = _drop_unstorable(reading)
    try:
        job_request: JobRequest = schema.load(reading.fields)
    except ValidationError as error:
        errors = error.normalized_messages().items()
        reading.refuse(ValidationError({path: texts for path, texts in errors if _first(path) not in dropped}))
    if reading.errors:
        raise ValidationError(reading.errors if is_text else in_zone(reading.errors, form.get(ZONE, "")))
    return job_request


def read_members(form: dict[str, str], original: StoredRequest | None) -> Fields:
    """The members of the request that the fields of a form stand for, unchecked. Raises ValidationError for what can't
    be read."""
    reading = _read(form, original)
    if reading.errors:
        raise ValidationError(dict(reading.errors))
    return reading.fields


def form_to_show(form: dict[str, str], original: StoredRequest) -> dict[str, str]:
    """The form filled in with a stored request; as JSON where it is for a group, for which there is no field."""
    fields = _read(form, original).fields
    if "group" not in fields:
        return form
    if "method" not in json.loads(original.args):
        del fields["method"]
    return {json_mode.MODE: json_mode.JSON, json_mode.JSON: json_mode.written(fields)}


def read_retries(form: dict[str, str]) -> Fields:
    """The fields that say how a job is tried again, as a request of their own."""
    texts = {name: form.get(name, "").strip() for name in ("max_attempts", "backoff")}
    return Fields({"url": ANY_URL, **_options(texts), **_numbers(texts, "max_attempts")})


def _read_text(form: dict[str, str], original: StoredRequest | None) -> Reading:
    reading = Reading()
    reading.fields = json_mode.read(unix_lines(form.get(json_mode.JSON, "")), original)
    return reading


def _read(form: dict[str, str], original: StoredRequest | None) -> Reading:
    reading = Reading()
    fields = reading.fields
    fields.update({"method": form.get("method", ""), "url": form.get("url", "").strip(), **request_times(form)})
    for name in ("name", "description", "idempotency_key"):
        if form.get(name, "").strip():
            fields[name] = form[name].strip().replace("\r\n", "\n")
    fields.update(_numbers(form, "timeout", "max_attempts") | _gates(form) | _options(form))
    _add_headers(reading, form.get("headers", ""))
    for add in (
        lambda: _add_bounds(fields, form),
        lambda: _add_body(fields, form, original),
        lambda: _add_more(fields, form),
    ):
        try:
            add()
        except ValidationError as error:
            reading.refuse(error)
    if "group" in fields and not fields["url"]:
        del fields["url"]
    return reading


def _numbers(form: dict[str, str], *names: str) -> dict[str, Any]:
    return {name: number(form[name].strip()) for name in names if form.get(name, "").strip()}


def _gates(form: dict[str, str]) -> dict[str, Any]:
    """The flow and the lane, if any of their fields is filled in."""
    texts = {name: form.get(f"flow_{name}", "").strip() for name in FLOW_MEMBERS}
    flow = {name: text if name == "key" else number(text) for name, text in texts.items() if text}
    key = form.get("lane_key", "").strip()
    lane = {"key": key, "on_failure": "stop"} if form.get("lane_stops") else key
    return {name: gate for name, gate in (("flow", flow), ("lane", lane)) if gate}


def _options(form: dict[str, str]) -> dict[str, Any]:
    """The options that are filled in."""
    texts = {name: form[name].strip() for name in OPTIONS if form.get(name, "").strip()}
    typed = {name: texts.pop(name) for name in LISTS if name in texts}
    lists: dict[str, Any] = {
        name: [part.strip() for part in text.split(",") if part.strip()] for name, text in typed.items()
    }
    if "backoff" in lists:
        lists["backoff"] = [number(delay) for delay in lists["backoff"]]
    if calendars := lists.pop("calendars", None):
        lists["exclude"] = {"days": lists.get("exclude", []), "calendars": calendars}
    return {**texts, **lists, **{name: number(texts[name]) for name in NUMBERS if name in texts}}


def _add_bounds(fields: Fields, form: dict[str, str]) -> None:
    """Read the bounds of a schedule in the zone beside them."""
    typed = {name: form[name].strip() for name in BOUNDS if form.get(name, "").strip()}
    try:
        instants = in_utc({**typed, ZONE: form.get(ZONE, "")}, typed)
    except ValidationError as error:
        raise ValidationError(dict.fromkeys(typed, error.normalized_messages()[ZONE])) from None
    fields.update({name: to_the_second(text) for name, text in instants.items()})


def _drop_unstorable(reading: Reading) -> set[str]:
    """Drop the fields that can't be stored, such as one with NUL, so that no error of the schema repeats them."""
    dropped = set()
    for path, fault in strict_json.faults(reading.fields):
        reading.fields.pop(_first(path), None)
        reading.refuse(ValidationError({path: [fault]}))
        dropped.add(_first(path))
    return dropped


def _first(path: str) -> str:
    return path.partition(".")[0]


def _add_headers(reading: Reading, text: str) -> None:
    """Read the lines `Name: value`, and report those that can't be read."""
    headers: dict[str, str] = {}
    errors: dict[str, None] = {}
    for line in text.replace("\r\n", "\n").split("\n"):  # not splitlines: a value may hold other line separators
        name, colon, value = line.partition(":")
        if line.strip() and not colon:
            errors["must be lines of `Name: value`, got one without a colon"] = None
        elif colon and name.strip() in headers:
            errors["must be given once each, got one twice"] = None
        elif colon:
            headers[name.strip()] = value.strip(" \t")
    if errors:
        reading.refuse(ValidationError({"headers": list(errors)}))
    if headers:
        reading.fields["headers"] = headers


def _add_body(fields: Fields, form: dict[str, str], original: StoredRequest | None) -> None:
    text, is_text = form.get("body", "").replace("\r\n", "\n"), form.get("body_type") == "text"
    old_text = None if original is None else body_of(original)
    if original and old_text is not None and (unix_lines(old_text), sent_as_text(original)) == (text, is_text):
        _set_body(fields, old_text, is_text)
    elif text if is_text else text.strip():
        _set_body(fields, text, is_text)


def _set_body(fields: Fields, text: str, is_text: bool) -> None:
    if is_text:
        fields["body"] = text
    else:
        fields["body"], fields.body_text = _json(text, "body").value, text.strip()


def _add_more(fields: Fields, form: dict[str, str]) -> None:
    """Add the fields that the form has no input for, or whose input is empty since it can't hold them, from a JSON
    object."""
    if not form.get("more", "").strip():
        return
    more = _json(form["more"], "more").value
    if not isinstance(more, dict):
        raise ValidationError('must be a JSON object, such as {"redact": ["body"]}, got something else', "more")
    if "body" in more and not form.get("body"):
        fields.pop("body", None)  # the empty body of the old job
    repeated = [name for name in more if name in fields or form.get(name)]
    fields.update({name: value for name, value in more.items() if name not in repeated})
    if repeated:
        raise ValidationError(f"must leave out what is filled in above, got {repeated[0][:40]}", "more")


def _json(text: str, name: str) -> strict_json.Document:
    try:
        document = strict_json.parse(text)
    except (strict_json.BadJson, strict_json.TooDeep) as error:
        raise ValidationError(f"must be JSON, got something else: {error}", name) from None
    if strict_json.faults(document.value, text):
        raise ValidationError("must be JSON that can be kept: no NUL, no lone surrogates, no huge numbers", name)
    return document
