"""Serves the first page: the timeline, the cards of the last hour, what fails, the next jobs, the system. And the
timeline by itself, of all jobs or of those of a host, a label, a flow or a schedule.
"""

from typing import Any

from flask import Response, make_response, render_template
from marshmallow import ValidationError

from api.context import demo_is_open
from api.dashboard.blueprint import is_part, pages, visitor
from api.dashboard.labels import JOB_FILTERS
from api.dashboard.pages.failures import jobs_of
from api.dashboard.query import filled_fields, problems_of
from api.dashboard.timelines import health_cards
from api.dashboard.timelines.timeline_values import SCOPES, timeline_values
from api.responses.schedule_health import NEEDY, Health, health
from models.alerts import messages
from models.operations import failures, heartbeats, overview
from models.operations.operator_alerts import operator_incidents
from models.rules import clock
from models.rules.clock import DAY
from models.rules.times import format_instant
from models.schedules import run_results, schedule_store
from models.schedules.schedule_store import ScheduleRow
from models.webhooks import channels

MINUTES = 60
UPCOMING = 8
MESSAGES = 5
SHOWN = 5  # failures and schedules, each
FAILURES = 100  # of each state, of which the groups are made


@pages.get("/")
def show_overview() -> str:
    now, account_id = clock.now(), visitor().account_id
    workers = heartbeats.workers()
    return render_template(
        "overview.html",
        cards=health_cards.cards(account_id, heartbeats.minutes(account_id, now, MINUTES), now),
        failures=failures.grouped(account_id, now - DAY, FAILURES)[:SHOWN],
        jobs_of=jobs_of,
        last_day={"after": format_instant(now - DAY)},
        schedules=schedules_in_need(account_id),
        depths=heartbeats.depths(),
        workers=workers,
        alive=heartbeats.alive(workers, now),
        troubles=[messages.line_of(each, now) for each in operator_incidents.open_now(now)],
        upcoming=overview.upcoming(account_id, UPCOMING),
        **({} if is_part() else timeline_values("show_overview", {})),
        messages=channels.kept(None if demo_is_open() else account_id)[:MESSAGES],
    )


def schedules_in_need(account_id: int) -> list[tuple[ScheduleRow, Health]]:
    """The first of the schedules that are late or fail, the worst first."""
    rows = schedule_store.listed_by_need(account_id, SHOWN, 0)
    runs = run_results.latest(account_id, [row.id for row in rows])
    healths = [(row, health(row, runs.get(row.id, []))) for row in rows]
    return [(row, each) for row, each in healths if each.look in NEEDY]


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
