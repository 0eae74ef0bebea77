"""Serves the page of failures: jobs that were given up or wait for a retry, grouped by host and reason."""

from collections.abc import Mapping

from flask import Response, make_response, render_template, request, url_for
from marshmallow import ValidationError

from api.dashboard import ranges
from api.dashboard.blueprint import pages, redirect_to, visitor
from api.dashboard.query import filled_fields, problems_of
from api.dashboard.ranges import Range, RangeFields, as_typed, range_of
from api.dashboard.reader_times import ZONE, in_utc
from api.requests.job_filters import JobsQuery
from api.responses.responses import ApiError
from models.operations import changing, failures
from models.operations.failures import Failure
from models.rules import clock

USUAL = "24h"  # as the badge of the menu counts


@pages.get("/failures")
def list_failures() -> Response:
    fields, groups, problems = filled_fields((ZONE, *ranges.FIELDS)), [], []
    shown = as_typed(fields, USUAL)
    try:
        shown = read_range(fields)
        since, before = bounds_of(shown)
        groups = failures.grouped(visitor().account_id, since, before=before)
    except ValidationError as error:
        problems = problems_of(error, ranges.END_LABELS)
    text = render_template(
        "failures.html",
        groups=groups,
        jobs_of=jobs_of,
        failed=failed(shown.ends),
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
    typed = {"span": ranges.ANY, **{name: form[name] for name in (ZONE, *ranges.FIELDS) if form.get(name)}}
    names = (form.get("state", ""), form.get("host", ""), form.get("reason", ""))
    try:
        shown = read_range(typed)
        bounds = bounds_of(shown)
    except ValidationError as error:
        raise ApiError(422, "; ".join(problems_of(error, ranges.END_LABELS))) from None
    ids = failures.of_group(visitor().account_id, *names, *bounds)
    if not changing.run_again(visitor().account_id, ids, clock.now()):
        return redirect_to("list_failures", "none_waits", **ranges.address_of(shown.ends))
    return redirect_to("list_jobs", "bulk_again")


def jobs_of(group: Failure, ends: Mapping[str, str]) -> str:
    """The address of the list of those jobs of a group that failed between the ends of a range. Hosts and reasons of
    which no list can be asked are left out."""
    fields = {"state": group.state, "host": group.host, "reason": group.reason, "replayed": "false", **failed(ends)}
    fields = {name: value for name, value in fields.items() if value}
    try:
        JobsQuery().load(fields)
    except ValidationError as error:
        fields = {name: value for name, value in fields.items() if name not in error.normalized_messages()}
    return url_for("pages.list_jobs", **fields)  # type: ignore[arg-type]


def failed(ends: Mapping[str, str]) -> dict[str, str]:
    """The ends of a range as the filters of jobs that failed between them."""
    return {f"failed_{name}": text for name, text in ends.items()}


def read_range(fields: dict[str, str]) -> Range:
    """The range of an address or a form. Raises ValidationError for a zone that is none."""
    return range_of(in_utc(fields, ranges.ENDS), clock.now(), USUAL)


def bounds_of(shown: Range) -> tuple[int, int]:
    """The instants between which a range lies. Raises ValidationError."""
    ends: dict[str, int] = RangeFields().load(shown.ends)
    return ends.get("after", 0), ends.get("before", failures.FURTHEST)
