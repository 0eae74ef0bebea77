"""Serves the page that lists jobs, and cancels or replays the selected ones."""

from typing import Any

from flask import Response, make_response, render_template, request
from marshmallow import ValidationError

from api.dashboard.blueprint import pages, redirect_to, visitor
from api.dashboard.labels import JOB_FILTERS
from api.dashboard.query import filled_fields, problems_of
from api.dashboard.timelines.timeline_values import SCOPES
from api.requests.ids import job_key
from api.requests.job_filters import FURTHEST, JobsQuery, filter_of, read_instant
from api.requests.job_values import AN_INSTANT
from api.requests.paging import cursor_of
from models.database.paging import NEWEST_FIRST, Page
from models.jobs import job_kinds, job_lists, replays
from models.jobs.searches.job_filter import JobFilter
from models.jobs.states import FINAL, STATES
from models.operations import cancelling
from models.operations.bulk import CANCEL, RETRY
from models.operations.timelines import active_jobs
from models.rules import clock

SHOWN = 50
LOOKED_AT = 5000  # rows that a search reads, so that a page that refreshes often stays cheap
MAX_SELECTED = 100
MORE = ("name", "path", "schedule", "flow", "lane", "status_code", "reason")  # texts that are typed in
ACTIVE = ("active_after", "active_before")  # a stretch of the timeline
FILTERS = ("state", "kind", "label", "host", "text", "after", "before", "due", *MORE, *ACTIVE)
NEWEST = {"order_by": list(NEWEST_FIRST)}  # what is overdue, too: the page goes on by its cursor


@pages.get("/jobs")
def list_jobs() -> Response:
    fields = filled_fields((*FILTERS, "cursor"))
    page, is_whole, problems = Page([], None), True, []
    try:
        active = _stretch({name: fields[name] for name in ACTIVE if name in fields})
        others = {name: value for name, value in fields.items() if name not in ACTIVE}
        query = JobsQuery().load({**others, **NEWEST, "limit": str(SHOWN)})
        job_filter, is_whole = _of_stretch(filter_of(query), **active)
        page = job_lists.listed(visitor().account_id, job_filter, query["page"], LOOKED_AT)
    except ValidationError as error:
        problems = problems_of(error, JOB_FILTERS)
    return make_response(_rendered(fields, page, problems, is_whole), 422 if problems else 200)


def _stretch(fields: dict[str, str]) -> dict[str, int]:
    """The instants between which the stretch of a timeline lies."""
    instants = {}
    for name, text in fields.items():
        try:
            instants[name] = read_instant(text)
        except ValueError:
            raise ValidationError(f"must be {AN_INSTANT}", name) from None
    return instants


def _of_stretch(job_filter: JobFilter, active_after: int = 0, active_before: int = FURTHEST) -> tuple[JobFilter, bool]:
    """The filter for the jobs of a stretch of the timeline, and whether it finds all of them."""
    if (active_after, active_before) == (0, FURTHEST):
        return job_filter, True
    ids, is_whole = active_jobs.between(visitor().account_id, job_filter, active_after, active_before)
    return job_filter._replace(ids=ids), is_whole


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


def _rendered(fields: dict[str, str], page: Page, problems: list[str], is_whole: bool) -> str:
    filters: dict[str, Any] = {name: fields[name] for name in FILTERS if name in fields}
    return render_template(
        "jobs.html",
        jobs=page.rows,
        next=page.end and cursor_of(NEWEST_FIRST, page.end),
        is_first="cursor" not in fields,
        filters=filters,
        scope={name: filters[name] for name in SCOPES if name in filters},
        problems=problems,
        is_whole=is_whole,
        states=STATES,
        final=FINAL,
        kinds=job_kinds.KINDS,
        more={name: JOB_FILTERS[name] for name in MORE},
    )
