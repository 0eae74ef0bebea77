"""Serves the page of failures: jobs that were given up or wait for a retry, grouped by host and reason."""

from flask import Response, render_template, request

from api.dashboard.blueprint import pages, redirect_to, visitor
from models.jobs import replays
from models.operations import failures
from models.rules import clock


@pages.get("/failures")
def list_failures() -> str:
    groups = failures.grouped(visitor().account_id)
    return render_template("failures.html", groups=groups, looked_at=failures.GROUPED)


@pages.post("/failures/again")
def replay_failures() -> Response:
    """Replay the newest jobs of a group. The old jobs stay as they are, for the record."""
    form = request.form
    ids = failures.of_group(visitor().account_id, form.get("state", ""), form.get("host", ""), form.get("reason", ""))
    if not ids:
        return redirect_to("list_failures", "nothing")
    replays.replay(visitor().account_id, ids, clock.now())
    return redirect_to("list_jobs", "bulk_again")
