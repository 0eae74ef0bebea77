"""Serves the page that lists schedules, each with its last instants."""

from flask import render_template, request

from api.dashboard.blueprint import pages, visitor
from api.dashboard.query import whole_number
from api.responses.schedule_health import health
from models.rules import recurrence
from models.schedules import run_results, schedule_store

SHOWN = 25
MAX_PAGE_DIGITS = 6


@pages.get("/schedules")
def list_schedules() -> str:
    page = whole_number(request.args.get("page", ""), max_digits=MAX_PAGE_DIGITS)
    rows = schedule_store.listed_by_need(visitor().account_id, SHOWN + 1, page * SHOWN)
    schedules = rows[:SHOWN]
    runs = run_results.latest(visitor().account_id, [row.id for row in schedules])
    return render_template(
        "schedules.html",
        schedules=schedules,
        frequencies={row.id: recurrence.description_of(row.frequency) for row in schedules},
        strips=runs,
        healths={row.id: health(row, runs.get(row.id, [])) for row in schedules},
        page=page,
        more=len(rows) > SHOWN,
    )
