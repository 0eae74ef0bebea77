"""Serves the first page: the timeline, counts of jobs, the last hour, the state of the system, the next jobs. And the
timeline by itself, of all jobs or of those of a host, a label, a flow or a schedule.
"""

from typing import Any

from flask import Response, make_response, render_template
from marshmallow import ValidationError

from api.context import demo_is_open
from api.dashboard import charts
from api.dashboard.blueprint import is_part, pages, visitor
from api.dashboard.filters import time_of_day
from api.dashboard.labels import JOB_FILTERS
from api.dashboard.query import filled_fields, problems_of
from api.dashboard.timelines import health_cards
from api.dashboard.timelines.timeline_values import SCOPES, timeline_values
from models.operations import heartbeats, overview
from models.rules import clock
from models.webhooks import channels

MINUTES = 60
UPCOMING = 20
MESSAGES = 5


@pages.get("/")
def show_overview() -> str:
    now, account_id = clock.now(), visitor().account_id
    minutes = heartbeats.minutes(account_id, now, MINUTES)
    lines, ticks = charts.lateness_lines(minutes)
    workers = heartbeats.workers()
    return render_template(
        "overview.html",
        counts=overview.counts(account_id, now),
        bars=charts.throughput_bars(minutes, [time_of_day(minute.minute_at) for minute in minutes]),
        bar_ticks=charts.throughput_ticks(minutes),
        lines=lines,
        ticks=ticks,
        completed=sum(minute.completed for minute in minutes),
        failed=sum(minute.failed for minute in minutes),
        latest=next((minute for minute in reversed(minutes) if minute.p50_us is not None), None),
        cards=health_cards.cards(account_id, minutes, now),
        depths=heartbeats.depths(),
        workers=workers,
        alive=heartbeats.alive(workers, now),
        upcoming=overview.upcoming(account_id, UPCOMING),
        **({} if is_part() else timeline_values("show_overview", {})),
        messages=channels.kept(None if demo_is_open() else account_id)[:MESSAGES],
    )


@pages.get("/timeline")
def show_timeline() -> Response:
    fields, problems = filled_fields(SCOPES), []
    values: dict[str, Any] = {"scope": fields}
    try:
        values = timeline_values("show_timeline", fields)
    except ValidationError as error:
        problems = problems_of(error, JOB_FILTERS)
    text = render_template("timeline_page.html", problems=problems, **values)
    return make_response(text, 422 if problems else 200)
