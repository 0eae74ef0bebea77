"""Serves the page of failures: jobs that were given up or wait for a retry, grouped by host and reason."""

from flask import Response, render_template, request, url_for
from marshmallow import ValidationError

from api.dashboard.blueprint import pages, redirect_to, visitor
from api.requests.job_filters import JobsQuery
from models.operations import changing, failures
from models.operations.failures import Failure
from models.rules import clock
from models.rules.clock import DAY, HOUR

SPANS = {"1h": HOUR, "24h": DAY, "7d": 7 * DAY, "all": 0}  # by the word in the address; 0: whatever is kept
USUAL = "24h"  # as the badge of the menu counts


@pages.get("/failures")
def list_failures() -> str:
    span = span_of(request.args.get("span", ""))
    groups = failures.grouped(visitor().account_id, since(span))
    return render_template(
        "failures.html",
        groups=groups,
        jobs_of=jobs_of,
        looked_at=failures.GROUPED,
        spans=tuple(SPANS),
        span=span,
        usual=USUAL,
    )


@pages.get("/failures/badge")
def show_badge() -> str:
    """The badge of the menu by itself: a page that stays open asks for it now and then."""
    return render_template("badge.html")


@pages.post("/failures/again")
def replay_failures() -> Response:
    """Retry now the newest jobs of a group that wait for a retry; replay those that were given up. The old jobs stay
    as they are, for the record."""
    form, span = request.form, span_of(request.form.get("span", "all"))
    names = (form.get("state", ""), form.get("host", ""), form.get("reason", ""))
    ids = failures.of_group(visitor().account_id, *names, since(span))
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


def span_of(word: str) -> str:
    return word if word in SPANS else USUAL


def since(span: str) -> int:
    return clock.now() - SPANS[span] if SPANS[span] else 0
