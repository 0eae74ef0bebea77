"""Owns the form that orders a job: from its fields to what POST /api/jobs takes, and the preview of when it will run.

The same checks as the API's; each error stands by its field.
"""

import json
from typing import Any

from flask import Response, make_response, render_template, request
from marshmallow import ValidationError

from api import raw_json
from api.order_fields import OrderFields, due_at
from api.orders import new_job
from api.pages.blueprint import back_to, pages, visitor
from api.pages.job import found
from api.reading import Fields
from models import clock, jobs, replays
from models.queries import with_query

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
EMPTY = {"method": "POST", "when": "now", "amount": "30", "unit": "seconds", "body_type": "json"}


@pages.get("/jobs/new")
def show_new_job() -> Response:
    """An empty form, or one filled in from the job that `from` names."""
    like = request.args.get("from", "")
    return _form(form_of(like) if like else dict(EMPTY), {}, 200)


@pages.post("/jobs/new")
def create_job() -> Response:
    form = request.form.to_dict()
    try:
        fields = fields_of(form)
        order = OrderFields().load(fields)
    except ValidationError as error:
        return _form(form, error.normalized_messages(), 422)
    now = clock.now()
    made, _ = jobs.create(new_job(order, visitor().account_id, due_at(order, now), 0), now)
    return back_to("show_job", "created", key=made.uuid)


@pages.get("/jobs/preview")
def preview() -> str:
    """When a job with these times would run."""
    form = {name: request.args.get(name, "") for name in ("when", "amount", "unit", "at", "offset")}
    try:
        order = OrderFields().load(Fields({"url": "https://example.com/", **time_fields(form)}))
        return render_template("preview.html", instants=[due_at(order, clock.now())], problems=[])
    except ValidationError as error:
        problems = [text for texts in error.normalized_messages().values() for text in texts]
        return render_template("preview.html", instants=[], problems=problems)


def fields_of(form: dict[str, str]) -> Fields:
    """The form as the members of an order. Raises ValidationError for what can't be read at all."""
    fields = Fields({"method": form.get("method", ""), "url": form.get("url", "").strip(), **time_fields(form)})
    for name in ("name", "description", "idempotency_key"):
        if form.get(name, "").strip():
            fields[name] = form[name].strip()
    for name in ("timeout", "max_attempts"):
        if form.get(name, "").strip():
            fields[name] = number(form[name].strip())
    if headers := headers_of(form.get("headers", "")):
        fields["headers"] = headers
    add_body(fields, form)
    add_more(fields, form.get("more", ""))
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
    for line in text.splitlines():
        name, colon, value = line.partition(":")
        if not line.strip():
            continue
        if not colon:
            raise ValidationError("must be lines of `Name: value`, got one without a colon", "headers")
        if name.strip() in headers:
            raise ValidationError("must be given once each, got one twice", "headers")
        headers[name.strip()] = value.strip()
    return headers


def add_body(fields: Fields, form: dict[str, str]) -> None:
    text = form.get("body", "")
    if not text.strip():
        return
    if form.get("body_type") == "text":
        fields["body"] = text.replace("\r\n", "\n")  # browsers send every line's end as CRLF
        return
    fields["body"], fields.body_text = json_of(text, "body").value, text.strip()


def form_of(key: str) -> dict[str, str]:
    """The form filled in with the request of a job; it is due now."""
    job = found(key)
    args = json.loads(job.args)
    more = {name: value for name, value in args.items() if name not in (*FORM_MEMBERS, *replays.NOT_AGAIN, "query")}
    is_text = job.content_type is not None and not job.content_type.startswith("application/json")
    return {
        **EMPTY,
        "method": args.get("method", "get").upper(),
        "url": with_query(args["url"], args.get("query")),
        "headers": "\n".join(f"{name}: {value}" for name, value in (args.get("headers") or {}).items()),
        "body": "" if job.body is None else job.body.decode("utf-8", "replace"),
        "body_type": "text" if is_text else "json",
        "name": job.name or "",
        "description": job.description or "",
        "timeout": str(args.get("timeout") or ""),
        "max_attempts": str(args.get("max_attempts") or ""),
        "more": json.dumps(more, ensure_ascii=False) if more else "",
    }


def _form(form: dict[str, str], errors: dict[str, Any], status: int) -> Response:
    text = render_template(
        "new_job.html", form=form, errors=flat(errors), units=UNITS, methods=METHODS, shown_errors=SHOWN_ERRORS
    )
    return make_response(text, status)


def flat(errors: dict[str, Any]) -> dict[str, list[str]]:
    """For each field of the form what is wrong with it; nested paths are told in the text."""
    found: dict[str, list[str]] = {}
    for path, texts in errors.items():
        name, _, rest = path.partition(".")
        found.setdefault(FIELD_OF.get(name, name), []).extend(f"{rest}: {text}" if rest else text for text in texts)
    return found


FIELD_OF = {"schedule_in": "when", "scheduled_at": "when", "repeat_every": "when", "cron": "when", "timezone": "when"}
