"""Owns the reading of the form of an order: from its fields to what POST /api/jobs takes.

The API checks what comes of it, and what can't be read is told together with what it refuses. A browser writes every
line's end as CRLF; a body that was left as it was in the form keeps the bytes it was ordered with.
"""

from typing import Any

from marshmallow import Schema, ValidationError

from api.dashboard.job_form import FORM_MEMBERS, Ordered, lines, sent_as_text
from api.requests import strict_json
from api.requests.body import Fields
from api.requests.job_requests import JobRequest


class Reading:
    """The members of an order, as far as the form can be read, and what can't be, for each member."""

    def __init__(self) -> None:
        self.fields = Fields()
        self.errors: dict[str, list[str]] = {}

    def refuse(self, error: ValidationError) -> None:
        for name, texts in error.normalized_messages().items():
            self.errors.setdefault(name, []).extend(texts)


def order_of(schema: Schema, form: dict[str, str], before: Ordered | None = None) -> JobRequest:
    """The order that the form makes. Raises ValidationError with all that is wrong with it: what can't be read, and
    what the API refuses of the rest. `before`: the job or schedule that the form was filled in from."""
    reading = read_form(form, before)
    unkept = {path.partition(".")[0] for path, _ in drop_unkept(reading)}
    try:
        order: JobRequest = schema.load(reading.fields)
    except ValidationError as error:
        told = {
            path: texts for path, texts in error.normalized_messages().items() if path.partition(".")[0] not in unkept
        }
        reading.refuse(ValidationError(told))
    if reading.errors:
        raise ValidationError(dict(reading.errors))
    return order


def read_form(form: dict[str, str], before: Ordered | None) -> Reading:
    reading = Reading()
    fields = reading.fields
    fields.update({"method": form.get("method", ""), "url": form.get("url", "").strip(), **time_fields(form)})
    for name in ("name", "description", "idempotency_key"):
        if form.get(name, "").strip():
            fields[name] = form[name].strip().replace("\r\n", "\n")
    for name in ("timeout", "max_attempts"):
        if form.get(name, "").strip():
            fields[name] = number(form[name].strip())
    add_headers(reading, form.get("headers", ""))
    for add in (lambda: add_body(fields, form, before), lambda: add_more(fields, form.get("more", ""))):
        try:
            add()
        except ValidationError as error:
            reading.refuse(error)
    return reading


def drop_unkept(reading: Reading) -> list[tuple[str, str]]:
    """Take away what can't be kept (a NUL), and tell of it: nothing that reads it shall repeat it."""
    found = strict_json.faults(reading.fields)
    for path, told in found:
        reading.fields.pop(path.partition(".")[0], None)
        reading.refuse(ValidationError({path: [told]}))
    return found


def add_more(fields: Fields, text: str) -> None:
    """Members that have no field of their own in the form, as a JSON object."""
    if not text.strip():
        return
    more = json_of(text, "more").value
    if not isinstance(more, dict):
        raise ValidationError('must be a JSON object, such as {"redact": ["body"]}, got something else', "more")
    twice = [name for name in more if name in fields or name in FORM_MEMBERS]
    fields.update({name: value for name, value in more.items() if name not in twice})
    if twice:
        raise ValidationError(f"must leave out what has its own field above, got {twice[0][:40]}", "more")


def json_of(text: str, name: str) -> strict_json.Document:
    try:
        document = strict_json.parse(text)
    except (strict_json.BadJson, strict_json.TooDeep) as error:
        raise ValidationError(f"must be JSON, got something else: {error}", name) from None
    if strict_json.faults(document.value, text):
        raise ValidationError("must be JSON that can be kept: no NUL, no lone surrogates, no huge numbers", name)
    return document


def time_fields(form: dict[str, str]) -> dict[str, Any]:
    """The members that say when, from the chosen way of saying it."""
    when = form.get("when", "now")
    if when == "in":
        return {"schedule_in": [number(form.get("amount", "")), form.get("unit", "seconds")]}
    if when == "every":
        return {"repeat_every": [number(form.get("every", "")), form.get("every_unit", "seconds")]}
    if when == "cron":
        zone_name = form.get("timezone", "").strip()
        return {"cron": form.get("cron", "").strip(), **({"timezone": zone_name} if zone_name else {})}
    if when == "at":
        return {"scheduled_at": form.get("at", "") + zone(form.get("offset", ""))}
    return {}


def zone(offset: str) -> str:
    """The browser's offset from UTC (`+02:00`), which its local time field leaves out."""
    return offset if len(offset) == 6 and offset[0] in "+-" and offset[1:].replace(":", "").isdigit() else "Z"


def number(text: str) -> Any:
    """The number that a text spells; the text itself, for the field to refuse, when it spells none."""
    try:
        return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else float(text)
    except ValueError:
        return text


def add_headers(reading: Reading, text: str) -> None:
    """`Name: value` lines as an object; those that can be read, with what is wrong with the others."""
    headers: dict[str, str] = {}
    wrong: dict[str, None] = {}
    for line in text.replace("\r\n", "\n").split("\n"):  # not splitlines: a value may hold what it takes for an end
        name, colon, value = line.partition(":")
        if line.strip() and not colon:
            wrong["must be lines of `Name: value`, got one without a colon"] = None
        elif colon and name.strip() in headers:
            wrong["must be given once each, got one twice"] = None
        elif colon:
            headers[name.strip()] = value.strip(" \t")
    if wrong:
        reading.refuse(ValidationError({"headers": list(wrong)}))
    if headers:
        reading.fields["headers"] = headers


def add_body(fields: Fields, form: dict[str, str], before: Ordered | None) -> None:
    text, is_text = form.get("body", "").replace("\r\n", "\n"), form.get("body_type") == "text"
    old = None if before is None or before.body is None else bytes(before.body).decode("utf-8", "replace")
    if old is not None and before is not None and (lines(old), sent_as_text(before)) == (text, is_text):
        text = old
    elif not text.strip():
        return
    if is_text:
        fields["body"] = text
        return
    fields["body"], fields.body_text = json_of(text, "body").value, text.strip()
