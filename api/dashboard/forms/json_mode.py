"""Converts the job form between its two modes: a field for each option, and one text with the whole request. Pure.

The text is what POST /api/jobs takes. Fields become a text whatever they hold; a text becomes fields once the schema
takes it.
"""

import json
from typing import Any, NamedTuple

from marshmallow import ValidationError

from api.dashboard.forms.job_form import StoredRequest, body_of, form_of, unix_lines
from api.dashboard.forms.job_times import form_times, form_units
from api.requests.job_requests import BODIES, JobRequest
from api.requests.job_requests import body_of as sent_body_of
from api.requests.reading import strict_json
from api.requests.reading.body import Fields, fields_of
from api.responses.responses import ApiError
from models.jobs import replays

MODE, JSON = "mode", "json"  # the field that says the mode, and its word for a text; that is the field of the text too
OUTSIDE = ("name", "description", *BODIES)  # members that a stored request has in columns of their own
TEXTS = ("name", "description", "body")


class _Sent(NamedTuple):
    """A request in the form of a stored one."""

    args: str
    body: bytes | None
    content_type: str | None
    name: str | None
    description: str | None


def read(text: str, original: StoredRequest | None) -> Fields:
    """The members of the text. Raises ValidationError, with paths. A body that was not edited keeps its bytes."""
    try:
        document = strict_json.parse(text)
        fields = fields_of(document)
    except (strict_json.BadJson, strict_json.TooDeep) as error:
        raise ValidationError(f"must be JSON, got something else: {error}", JSON) from None
    except ApiError as error:
        raise ValidationError({name or JSON: texts for name, texts in (error.errors or {}).items()}) from None
    if faults := strict_json.faults(document.value, text):
        raise ValidationError({path or JSON: [fault] for path, fault in faults})
    old_text = body_of(original) if original else None
    if old_text is not None and _is_json_of(old_text, fields.get("body")):
        fields.body_text = old_text
    return fields


def written(fields: Fields) -> str:
    """The text of these members. A body of JSON keeps its bytes."""
    text = json.dumps({**fields, "body": 0} if fields.body_text else fields, indent=2, ensure_ascii=False)
    return text.replace('\n  "body": 0', f'\n  "body": {fields.body_text}', 1) if fields.body_text else text


def form_of_request(job_request: JobRequest) -> dict[str, str]:
    """The form of fields for a request. Raises ValidationError for one that has no URL: its fields can't hold it."""
    sent = {name: value for name, value in job_request.sent.items() if value is not None}
    if "url" not in sent:
        raise ValidationError("can only be written as JSON: a group has no field of its own", JSON)
    times, left = _times(sent)
    args = {name: value for name, value in left.items() if name not in OUTSIDE}
    names = (sent.get("name"), sent.get("description"))
    form = form_of(_Sent(json.dumps(args), *sent_body_of(job_request), *names), ()) | times
    return _with_texts(form, {name: text for name, text in sent.items() if _changes_in_field(name, text)})


def _with_texts(form: dict[str, str], texts: dict[str, str]) -> dict[str, str]:
    """The form with these texts among the other fields, as their own inputs would not give them back."""
    if not texts:
        return form
    more = {**json.loads(form["more"] or "{}"), **texts}
    return {**form, **dict.fromkeys(texts, ""), "more": json.dumps(more, ensure_ascii=False)}


def _changes_in_field(name: str, text: Any) -> bool:
    """Whether the input of a member would give another text back: none for an empty one, and LF for every line end."""
    if name not in TEXTS or not isinstance(text, str):
        return False
    as_read = unix_lines(text) if name == "body" else unix_lines(text).strip()
    return not text or as_read != text


def once_now(form: dict[str, str]) -> dict[str, str]:
    """The form of either mode with the same request, due now and with one attempt."""
    if form.get(MODE) == JSON:
        return {**form, JSON: _without_times(form.get(JSON, ""), max_attempts=1)}
    kept = {name: text for name, text in form.items() if name not in (*replays.NOT_REPLAYED, "calendars", "backoff")}
    return {**kept, "when": "now", "max_attempts": "1", "more": _without_times(form.get("more", ""))}


def _without_times(text: str, **more: Any) -> str:
    """The text of an object without what says when. One that can't be read stays, and its fault is told."""
    try:
        members = read(text, None)
    except ValidationError:
        return text
    kept = {name: value for name, value in members.items() if name not in (*replays.NOT_REPLAYED, "backoff")}
    once = Fields(kept | more)
    once.body_text = members.body_text
    return written(once)


def _times(sent: dict[str, Any]) -> tuple[dict[str, str], dict[str, Any]]:
    """The fields that say when, and the members that they do not stand for."""
    names: tuple[str, ...]
    if "cron" in sent:
        names, times = ("cron", "timezone"), form_times(json.dumps(sent))
    elif isinstance(sent.get("repeat_every"), int | float | list):
        names, times = ("repeat_every",), form_times(json.dumps(sent))
    elif isinstance(sent.get("schedule_in"), int | float | list):
        amount, unit = form_units(sent["schedule_in"])
        names, times = ("schedule_in",), {"when": "in", "amount": amount, "unit": unit}
    else:
        return {}, sent
    return times, {name: value for name, value in sent.items() if name not in names}


def _is_json_of(text: str, value: Any) -> bool:
    try:
        return json.dumps(json.loads(text)) == json.dumps(value)  # 1 equals true in Python
    except (ValueError, RecursionError):
        return False
