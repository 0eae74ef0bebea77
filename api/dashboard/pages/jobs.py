"""Serves the page that lists jobs, and cancels or replays the selected ones."""

from typing import Any

from flask import Response, make_response, render_template, request
from marshmallow import ValidationError

from api.dashboard.blueprint import pages, redirect_to, visitor
from api.dashboard.labels import JOB_FILTERS
from api.dashboard.query import filled_fields, problems_of
from api.requests.ids import job_key
from api.requests.job_filters import JobsQuery, filter_of
from api.requests.paging import cursor_of
from models.database.paging import NEWEST_FIRST, Page
from models.jobs import job_kinds, job_lists, replays
from models.jobs.states import FINAL, STATES
from models.operations import cancelling
from models.operations.bulk import CANCEL, RETRY
from models.rules import clock

SHOWN = 50
LOOKED_AT = 5000  # rows that a search reads, so that a page that refreshes often stays cheap
MAX_SELECTED = 100
MORE = ("name", "path", "schedule", "flow", "lane", "status_code", "reason")  # texts that are typed in
FILTERS = ("state", "kind", "label", "host", "text", "after", "before", "due", *MORE)
NEWEST = {"order_by": list(NEWEST_FIRST)}  # what is overdue, too: the page goes on by its cursor


@pages.get("/jobs")
def list_jobs() -> Response:
    fields = filled_fields((*FILTERS, "cursor"))
    page, problems = Page([], None), []
    try:
        query = JobsQuery().load({**fields, **NEWEST, "limit": str(SHOWN)})
        page = job_lists.listed(visitor().account_id, filter_of(query), query["page"], LOOKED_AT)
    except ValidationError as error:
        problems = problems_of(error, JOB_FILTERS)
    return make_response(_rendered(fields, page, problems), 422 if problems else 200)


@pages.post("/jobs/chosen")
def act_on_selected() -> Response:
    """Cancel or replay the selected jobs, and show the same list again."""
    ids, filters = selected_ids(), {name: request.form[name] for name in FILTERS if request.form.get(name)}
    action = request.form.get("action")
    if not ids or action not in (CANCEL, RETRY):
        return redirect_to("list_jobs", "nothing", **filters)
    if action == RETRY:
        replays.replay(visitor().account_id, ids, clock.now())
        return redirect_to("list_jobs", "bulk_again", **filters)
    cancelling.cancel_all(visitor().account_id, ids, clock.now())
    return redirect_to("list_jobs", "bulk_cancelled", **filters)


def selected_ids() -> list[int]:
    """The integers of the first `MAX_SELECTED` jobs whose boxes are checked."""
    keys = [job_key(text) for text in request.form.getlist("job")[:MAX_SELECTED]]
    return [key for key in keys if isinstance(key, int)]


def _rendered(fields: dict[str, str], page: Page, problems: list[str]) -> str:
    filters: dict[str, Any] = {name: fields[name] for name in FILTERS if name in fields}
    return render_template(
        "jobs.html",
        jobs=page.rows,
        next=page.end and cursor_of(NEWEST_FIRST, page.end),
        is_first="cursor" not in fields,
        filters=filters,
        problems=problems,
        states=STATES,
        final=FINAL,
        kinds=job_kinds.KINDS,
        more={name: JOB_FILTERS[name] for name in MORE},
    )
