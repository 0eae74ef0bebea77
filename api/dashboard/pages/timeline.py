"""Serves the timeline by itself: of all jobs, or of those of a host, a label, a flow or a schedule."""

from typing import Any

from flask import Response, make_response, render_template
from marshmallow import ValidationError

from api.dashboard.blueprint import pages, visitor
from api.dashboard.labels import JOB_FILTERS
from api.dashboard.query import filled_fields, problems_of
from api.dashboard.timelines import spans
from api.dashboard.timelines.marks import LOOKS
from api.dashboard.timelines.timeline_view import timeline
from api.requests.job_filters import FilterFields, filter_of
from models.rules import clock

SCOPES = ("host", "label", "flow", "schedule")


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


def timeline_values(endpoint: str, scope: dict[str, str], **page: Any) -> dict[str, Any]:
    """What a template needs to show the timeline of the visitor's jobs. `scope`: fields of SCOPES that restrict it;
    `endpoint`, `page`: the page that shows it, to which its links lead."""
    fields = filled_fields(("span", "height"))
    shown, height = spans.span_of(fields.get("span", "")), spans.height_of(fields.get("height", ""))
    job_filter = filter_of(FilterFields().load(scope))
    return {
        "timeline": timeline(visitor().account_id, job_filter, shown, height, clock.now()),
        "spans": {span.name: span.label for span in spans.SPANS},
        "heights": spans.HEIGHTS,
        "looks": LOOKS,
        "scope": scope,
        "endpoint": endpoint,
        "page": page or scope,
    }
