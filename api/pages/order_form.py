"""Owns the form of an order: from its fields to what POST /api/jobs takes, and back. Pure.

The API checks what comes of it; `flat` brings its errors to the fields of the form. A browser writes every line's end
as CRLF; a body that was left as it was in the form keeps the bytes it was ordered with.
"""

import json
from typing import Any, Protocol

from marshmallow import ValidationError

from api import raw_json
from api.reading import Fields
from models import replays
from models.queries import with_query
from models.shapes import Sent

UNITS = ("seconds", "minutes", "hours", "days", "weeks")
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS")
SHOWN_ERRORS = (
    "method",
    "url",
    "query",
    "headers",
    "body",
    "when",
    "name",
    "description",
    "timeout",
    "max_attempts",
    "more",
)
FORM_MEMBERS = ("method", "url", "headers", "body", "name", "description", "timeout", "max_attempts")
EMPTY = {
    **{"method": "POST", "when": "now", "amount": "30", "unit": "seconds", "body_type": "json"},
    **{"every": "5", "every_unit": "minutes", "cron": "0 9 * * 1-5", "timezone": ""},
}
WAYS = ("now", "in", "at", "every", "cron")
FIELD_OF = {"schedule_in": "when", "scheduled_at": "when", "repeat_every": "when", "cron": "when", "timezone": "when"}


class Ordered(Sent, Protocol):
    """What a job and a schedule have in common: the request that was ordered, and how it is called."""

    @property
    def name(self) -> str | None: ...
    @property
    def description(self) -> str | None: ...


def fields_of(form: dict[str, str], before: Ordered | None = None) -> Fields:
    """The form as the members of an order. Raises ValidationError for what can't be read at all. `before`: the job or
    schedule that the form was filled in from."""
    fields = Fields({"method": form.get("method", ""), "url": form.get("url", "").strip(), **time_fields(form)})
    for name in ("name", "description", "idempotency_key"):
        if form.get(name, "").strip():
            fields[name] = form[name].strip().replace("\r\n", "\n")
    for name in ("timeout", "max_attempts"):
        if form.get(name, "").strip():
            fields[name] = number(form[name].strip())
    if headers := headers_of(form.get("headers", "")):
        fields["headers"] = headers
    add_body(fields, form, before)
    add_more(fields, form.get("more", ""))
    if found := raw_json.faults(fields):
        raise ValidationError({path: [told] for path, told in found})
    return fields


def add_more(fields: Fields, text: str) -> None:
    """Members that have no field of their own in the form, as a JSON object."""
    if not text.strip():
        return
    more = json_of(text, "more").value
    if not isinstance(more, dict):
        raise ValidationError('must be a JSON object, such as {"redact": ["body"]}, got something else', "more")
    twice = [name for name in more if name in fields or name in FORM_MEMBERS]
    if twice:
        raise ValidationError(f"must leave out what has its own field above, got {twice[0][:40]}", "more")
    fields.update(more)


def json_of(text: str, name: str) -> raw_json.Document:
    try:
        document = raw_json.parse(text)
    except (raw_json.BadJson, raw_json.TooDeep) as error:
        raise ValidationError(f"must be JSON, got something else: {error}", name) from None
    if raw_json.faults(document.value, text):
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


def headers_of(text: str) -> dict[str, str]:
    """`Name: value` lines as an object."""
    headers: dict[str, str] = {}
    for line in text.replace("\r\n", "\n").split(
        "\n"
    ):  # not splitlines: a value may hold what else it takes for an end
        name, colon, value = line.partition(":")
        if not line.strip():
            continue
        if not colon:
            raise ValidationError("must be lines of `Name: value`, got one without a colon", "headers")
        if name.strip() in headers:
            raise ValidationError("must be given once each, got one twice", "headers")
        headers[name.strip()] = value.strip(" \t")
    return headers


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


def lines(text: str) -> str:
    """A text as it comes back from a form."""
    return text.replace("\r\n", "\n").replace("\r", "\n")


def sent_as_text(row: Ordered) -> bool:
    return row.content_type is not None and not row.content_type.startswith("application/json")


def form_of(row: Ordered, left_out: tuple[str, ...] = replays.NOT_AGAIN) -> dict[str, str]:
    """The form filled in with the request of a job or schedule; it is due now. `left_out`: members of the old order
    that the new one shall not have."""
    args = json.loads(row.args)
    left_out = (*FORM_MEMBERS, *left_out, "query")
    more = {name: value for name, value in args.items() if name not in left_out}
    return {
        **EMPTY,
        "method": args.get("method", "get").upper(),
        "url": with_query(args["url"], args.get("query")),
        "headers": "\n".join(f"{name}: {value}" for name, value in (args.get("headers") or {}).items()),
        "body": "" if row.body is None else bytes(row.body).decode("utf-8", "replace"),
        "body_type": "text" if sent_as_text(row) else "json",
        "name": row.name or "",
        "description": row.description or "",
        "timeout": str(args.get("timeout") or ""),
        "max_attempts": str(args.get("max_attempts") or ""),
        "more": json.dumps(more, ensure_ascii=False) if more else "",
    }


def flat(errors: dict[str, Any]) -> dict[str, list[str]]:
    """For each field of the form what is wrong with it; nested paths are told in the text."""
    found: dict[str, list[str]] = {}
    for path, texts in errors.items():
        name, _, rest = path.partition(".")
        told = [f"{rest}: {text}" if rest else text for text in texts]
        found.setdefault(FIELD_OF.get(name, name), []).extend(told)
    return found
