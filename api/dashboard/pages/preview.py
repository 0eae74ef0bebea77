"""Owns the preview of when an order would run: once, or the next ten times and around the next change of the clock."""

from datetime import UTC, datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from flask import render_template, request
from marshmallow import ValidationError

from api.dashboard.blueprint import pages
from api.dashboard.job_form_reading import time_fields
from api.requests.body import Fields
from api.requests.job_fields import JobFields
from api.requests.job_requests import JobRequest, due_at
from api.requests.new_schedule import first_at, frequency, recurs
from models.rules import clock, recurrence
from models.rules.clock import DAY, SECOND
from models.rules.recurrence import Frequency

TIMES = ("when", "amount", "unit", "at", "offset", "every", "every_unit", "cron", "timezone")
COUNT = 10
AROUND = 4
LOOKED_AHEAD_DAYS = 366
URL = "https://example.com/"


class Shown(NamedTuple):
    """An instant, and the wall clock of the schedule's zone at it; "" where no zone matters."""

    instant: int
    wall: str


@pages.get("/jobs/preview")
def preview() -> str:
    """When a job or schedule with these times would run, as a part of a page."""
    form = {name: request.args.get(name, "") for name in TIMES}
    try:
        order: JobRequest = JobFields().load(Fields({"url": URL, **time_fields(form)}))
    except ValidationError as error:
        problems = [text for texts in error.normalized_messages().values() for text in texts]
        return render_template("preview.html", problems=problems)
    now = clock.now()
    if not recurs(order):
        return render_template("preview.html", instants=[Shown(due_at(order, now), "")])
    told = frequency(order.values)
    instants = following(told, first_at(order, due_at(order, now), now) - 1, COUNT)
    return render_template(
        "preview.html",
        words=recurrence.description(told),
        instants=shown(told, instants),
        around=shown(told, around_change(told, instants)),
    )


def following(told: Frequency, after: int, count: int) -> list[int]:
    """The next instants; the first one after `after` of an interval is the one that was asked for."""
    if told.every_us is not None:
        return [after + 1 + told.every_us * number for number in range(count)]
    found: list[int] = []
    at = recurrence.next_after(told, after)
    while at is not None and len(found) < count:
        found.append(at)
        at = recurrence.next_after(told, at)
    return found


def around_change(told: Frequency, instants: list[int]) -> list[int]:
    """Some instants before and after the next change of the zone's clock, unless it is among those shown already."""
    if told.every_us is not None or not instants:
        return []
    change = next_change(told.timezone, instants[0])
    if change is None or change <= instants[-1]:
        return []
    # The few last ones before the change: from ever further back until there are enough.
    for days in (1, 8, 40):
        before = [at for at in following(told, change - days * DAY, 200) if at < change][-AROUND // 2 :]
        if len(before) == AROUND // 2:
            break
    return [*before, *following(told, change - 1, AROUND // 2)]


def next_change(timezone: str, after: int) -> int | None:
    """When a zone's clock is next set forward or back; None within a year. To the second."""
    zone, first = ZoneInfo(timezone), datetime.fromtimestamp(after // SECOND, UTC)
    offset = first.astimezone(zone).utcoffset()
    for number in range(1, LOOKED_AHEAD_DAYS):
        day = first + timedelta(days=number)
        if day.astimezone(zone).utcoffset() != offset:
            same, other = day - timedelta(days=1), day
            while other - same > timedelta(seconds=1):
                middle = same + timedelta(seconds=(other - same) // timedelta(seconds=2))
                same, other = (middle, other) if middle.astimezone(zone).utcoffset() == offset else (same, middle)
            return int(other.timestamp()) * SECOND
    return None


def shown(told: Frequency, instants: list[int]) -> list[Shown]:
    """The instants with the wall clock of the zone, and its offset."""
    if told.every_us is not None:
        return [Shown(at, "") for at in instants]
    zone = ZoneInfo(told.timezone)
    walls = [datetime.fromtimestamp(at // SECOND, zone).isoformat(" ", "seconds") for at in instants]
    return [Shown(at, f"{wall[:19]} {wall[19:]}") for at, wall in zip(instants, walls, strict=True)]
