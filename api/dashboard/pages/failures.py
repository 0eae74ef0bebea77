"""Serves the page of failures: jobs that were given up or wait for a retry, grouped by host and reason."""

from flask import Response, make_response, render_template, request, url_for
from marshmallow import ValidationError

from api.dashboard import ranges
from api.dashboard.blueprint import pages, redirect_to, visitor
from api.dashboard.query import filled_fields, problems_of
from api.dashboard.ranges import Range, RangeFields, range_of
from api.dashboard.reader_times import ZONE, in_utc
from api.requests.job_filters import JobsQuery
from api.responses.responses import ApiError
from models.operations import changing, failures
from models.operations.failures import Failure
from models.rules import clock

USUAL = "24h"  # as the badge of the menu counts


@pages.get("/failures")
def list_failures() -> Response:
    shown, groups, problems = Range(USUAL, {}), [], []
    try:
        shown, since, before = read_range(filled_fields((ZONE, *ranges.FIELDS)))
        groups = failures.grouped(visitor().account_id, since, before=before)
    except ValidationError as error:
        problems = problems_of(error)
    text = render_template(
        "failures.html",
        groups=groups,
        jobs_of=jobs_of,
        looked_at=failures.GROUPED,
        spans=ranges.LABELS,
        range=shown,
        problems=problems,
    )
    return make_response(text, 422 if problems else 200)


@pages.get("/failures/badge")
def show_badge() -> str:
    """The badge of the menu by itself: a page that stays open asks for it now and then."""
    return render_template("badge.html")


@pages.post("/failures/again")
def replay_failures() -> Response:
    """Retry now the newest jobs of a group that wait for a retry; replay those that were given up. The old jobs stay
    as they are, for the record."""
    form = request.form
    names = (form.get("state", ""), form.get("host", ""), form.get("reason", ""))
    try:
        _, *bounds = read_range({"span": ranges.ANY, **{name: form[name] for name in ranges.FIELDS if form.get(name)}})
    except ValidationError as error:
        raise ApiError(422, "; ".join(problems_of(error))) from None
    ids = failures.of_group(visitor().account_id, *names, *bounds)
    if not changing.run_again(visitor().account_id, ids, clock.now()):
        return redirect_to("list_failures", "nothing")
    return redirect_to("list_jobs", "bulk_again")


def jobs_of(group: Failure) -> str:
    """The address of the list of a group's jobs. Hosts and reasons of which no list can be asked are left out."""
    fields = {"state": group.state, "host": group.host, "reason": group.reason}
    fields = {name: value for name, value in fields.items() if value}
    try:
        JobsQuery().load(fields)
    except ValidationError:
        fields = {"state": group.state}
    return url_for("pages.list_jobs", **fields)  # type: ignore[arg-type]


def read_range(fields: dict[str, str]) -> tuple[Range, int, int]:
    """The range of an address or a form, and the instants between which it lies. Raises ValidationError."""
    shown = range_of(in_utc(fields, ranges.ENDS), clock.now(), USUAL)
    ends: dict[str, int] = RangeFields().load(shown.ends)
    return shown, ends.get("after", 0), ends.get("before", failures.FURTHEST)
