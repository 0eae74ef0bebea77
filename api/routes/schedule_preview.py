"""Serves /schedules/preview: the next instants of a frequency, before anybody makes a schedule of it."""

import json
import re
from typing import Any

from flask import Response
from marshmallow import Schema, fields

from api.auth import caller
from api.requests.fields import Must, split_by_commas, whole_in_query
from api.requests.ids import NAME
from api.requests.new_schedule import frequency
from api.requests.options.calendars import Excluded, read_days, read_names
from api.requests.options.refusals import refusals
from api.requests.reading.strict_schema import Strict
from api.requests.schedule_fields import (
    CRON_FORM,
    ZONE_FORM,
    RecurringFields,
    read_cron,
    read_repeat_every,
    read_zone,
)
from api.requests.text_forms import INSTANT_IN_QUERY, pattern_form
from api.responses import schemas
from api.responses.responses import invalid, respond
from api.responses.timestamps import seconds_utc
from api.routes.schedules import blueprint
from models.rules import bounds, clock, recurrence, times
from models.rules.recurrence import Frequency
from models.schedules.calendars.calendar_store import days_in

SPELLED_DAYS = "days and ranges of days with commas between, such as 2026-12-24,2026-12-31/2027-01-06"
SPELLED_FORM = pattern_form(f"{NAME.pattern}(,{NAME.pattern}){{0,{bounds.MAX_NAMED - 1}}}", "holidays-at,plant")
SPELLED_NAMES = f"at most {bounds.MAX_NAMED} names of calendars with commas between, such as holidays-at,plant"
LAST_FROM = times.parse_instant("3000-01-01T00:00:00Z")

_NUMBER = re.compile(r"(0|[1-9][0-9]{0,12})(\.[0-9]{1,19})?")
_SPELLED = re.compile(r"\[?([0-9]{1,15}(?:\.[0-9]{1,6})?)(?:[, ] ?\"?([a-z]+)\"?)?\]?")


class Preview(Schema):
    instants = fields.List(fields.String())
    description = fields.String()


def read_spelled_interval(value: Any) -> int:
    """`300`, `5,minutes`, `5 minutes` or `[5,"minutes"]`, in microseconds."""
    match = _SPELLED.fullmatch(value)
    if not match:
        raise ValueError
    return read_repeat_every([json.loads(match[1]), match[2] or "seconds"])


def read_spelled_days(value: Any) -> Excluded:
    """`2026-12-24,2026-12-31/2027-01-06`, as ranges of days."""
    parts = [part.split("/") for part in split_by_commas(value)]
    days = [part[0] if len(part) == 1 else dict(zip(("from", "to"), part, strict=True)) for part in parts]
    return Excluded(read_days(days, bounds.MAX_EXCLUDED))


def read_spelled_names(value: Any) -> tuple[str, ...]:
    """`holidays-at,plant`, as names of calendars."""
    return read_names(split_by_commas(value))


def read_from(value: Any) -> int:
    """An instant."""
    instant = times.parse_instant(json.loads(value) if _NUMBER.fullmatch(value) else value)
    if not 0 <= instant <= LAST_FROM:
        raise ValueError
    return instant


class PreviewQuery(RecurringFields):
    """What GET /schedules/preview takes."""

    class Meta(Strict.Meta):
        fields = ("repeat_every", "cron", "timezone", "starts_at", "until", "exclude", "calendars", "from", "count")
        # A class can't have an attribute called `from`, and a schema has one of its own called `exclude`.
        include = {
            "from": Must("a date and time, or a Unix timestamp", read_from, INSTANT_IN_QUERY),
            "exclude": Must(
                SPELLED_DAYS, read_spelled_days, {"type": "string", "example": "2026-12-24,2026-12-31/2027-01-06"}
            ),
        }

    repeat_every = Must(
        "seconds, or a number and a unit such as 5,minutes",
        read_spelled_interval,
        {"type": "string", "example": "5,minutes"},
    )
    cron = Must("five or six cron fields", read_cron, CRON_FORM)
    timezone = Must("the name of an IANA time zone", read_zone, ZONE_FORM)
    calendars = Must(SPELLED_NAMES, read_spelled_names, SPELLED_FORM)
    starts_at = Must("a date and time, or a Unix timestamp", read_from, INSTANT_IN_QUERY)
    until = Must("a date and time, or a Unix timestamp", read_from, INSTANT_IN_QUERY)
    count = whole_in_query(1, 100, load_default=10)


@blueprint.route("/schedules/preview", methods=["GET"])
@blueprint.arguments(PreviewQuery(), location="query")
@blueprint.response(200, schemas.single(Preview))
def preview_schedule(query: dict[str, Any]) -> Response:
    """The next instants of a frequency, and the frequency in words."""
    if query.get("repeat_every") is None and query.get("cron") is None:
        raise invalid({"cron": ["must be given, or repeat_every, got neither"]})
    recurring, at = _recurring(query), query.get("from", clock.now())
    instants: list[int] = []
    while len(instants) < query["count"] and (at := recurrence.next_after(recurring, at)) is not None:
        instants.append(at)
    texts = [_text(instant) for instant in instants]
    return respond({"data": {"instants": texts, "description": recurrence.description(recurring)}})


def _recurring(query: dict[str, Any]) -> Frequency:
    recurring, names = frequency(query), query.get("calendars")
    if not names:
        return recurring
    with refusals():
        days = days_in(caller().account_id, names)
    within = recurring.bounds
    return recurring._replace(bounds=within._replace(exclude=bounds.merged([*within.exclude, *days])))


def _text(instant: int) -> str | None:
    return seconds_utc(instant) if instant % clock.SECOND == 0 else times.format_instant(instant)
