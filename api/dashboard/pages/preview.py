"""Serves the preview of when a job or schedule would run, while its form is filled in.

A schedule shows its next instants, and some around the next change of its zone's clock.
"""

from datetime import UTC, datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from flask import render_template, request
from marshmallow import ValidationError

from api.dashboard.blueprint import pages
from api.dashboard.forms.job_times import TIME_FIELDS, request_times
from api.requests.job_fields import JobFields
from api.requests.job_requests import JobRequest, due_at
from api.requests.new_schedule import first_at, frequency, recurs
from api.requests.reading.body import Fields
from models.rules import clock, recurrence
from models.rules.clock import DAY, SECOND
from models.rules.recurrence import Frequency

COUNT = 10
AROUND_CHANGE = 4
LOOKED_AHEAD_DAYS = 366
URL = "https://example.com/"  # the schema requires one


class PreviewedInstant(NamedTuple):
    """An instant, and the local time of the schedule's zone at it; "" where no zone matters."""

    instant: int
    local_time: str


@pages.get("/jobs/preview")
def preview() -> str:
    """A part of a page: the instants of a request with the times of the form."""
    form = {name: request.args.get(name, "") for name in TIME_FIELDS}
    try:
        job_request: JobRequest = JobFields().load(Fields({"url": URL, **request_times(form)}))
    except ValidationError as error:
        problems = [text for texts in error.normalized_messages().values() for text in texts]
        return render_template("preview.html", problems=problems)
    now = clock.now()
    if not recurs(job_request):
        return render_template("preview.html", instants=[PreviewedInstant(due_at(job_request, now), "")])
    rule = frequency(job_request.values)
    instants = instants_from(rule, first_at(job_request, due_at(job_request, now), now), COUNT)
    return render_template(
        "preview.html",
        frequency=recurrence.description(rule),
        instants=with_local_times(rule, instants),
        around_change=with_local_times(rule, around_change(rule, instants)),
    )


def instants_from(rule: Frequency, first: int | None, count: int) -> list[int]:
    """The first instant and those that follow it; none where there is no first."""
    count = min(count, rule.bounds.max_runs or count)
    instants: list[int] = []
    at = first
    while at is not None and len(instants) < count:
        instants.append(at)
        at = recurrence.next_after(rule, at)
    return instants


def around_change(rule: Frequency, instants: list[int]) -> list[int]:
    """The instants just before and after the next change of the zone's clock; none when it lies among `instants`."""
    if rule.every_us is not None or not instants:
        return []
    change = next_change(rule.timezone, instants[0])
    if change is None or change <= instants[-1]:
        return []
    # Each turn starts further before the change, until there are enough instants before it.
    for days in (1, 8, 40):
        first = recurrence.first_from(rule, change - days * DAY)
        before = [at for at in instants_from(rule, first, 200) if at < change][-AROUND_CHANGE // 2 :]
        if len(before) == AROUND_CHANGE // 2:
            break
    return [*before, *instants_from(rule, recurrence.first_from(rule, change), AROUND_CHANGE // 2)]


def next_change(timezone: str, after: int) -> int | None:
    """When a zone's clock next goes forward or back, to the second; None when it does not within a year."""
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


def with_local_times(rule: Frequency, instants: list[int]) -> list[PreviewedInstant]:
    """The instants with the local time of the zone and its offset."""
    if rule.every_us is not None:
        return [PreviewedInstant(at, "") for at in instants]
    zone = ZoneInfo(rule.timezone)
    local_times = [datetime.fromtimestamp(at // SECOND, zone).isoformat(" ", "seconds") for at in instants]
    return [PreviewedInstant(at, f"{time[:19]} {time[19:]}") for at, time in zip(instants, local_times, strict=True)]
