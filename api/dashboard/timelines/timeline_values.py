"""Gathers what a template needs to show a timeline of the visitor's jobs, by the fields of the address."""

from typing import Any

from api.dashboard.blueprint import visitor
from api.dashboard.query import filled_fields
from api.dashboard.timelines import spans
from api.dashboard.timelines.marks import LOOKS
from api.dashboard.timelines.timeline_view import timeline
from api.requests.job_filters import FilterFields, filter_of
from models.rules import clock

SCOPES = ("host", "label", "flow", "schedule")


def timeline_values(endpoint: str, scope: dict[str, str], **page: Any) -> dict[str, Any]:
    """`scope`: fields of SCOPES that restrict it;
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
