"""Owns the page that lists jobs, and what is done to many of them at once."""

from typing import Any

from flask import Response, make_response, render_template, request
from marshmallow import ValidationError

from api.dashboard.blueprint import back_to, pages, visitor
from api.requests.ids import job_key
from api.requests.job_filters import JobsQuery, filter_of
from api.requests.paging import cursor_of
from models.database.paging import NEWEST_FIRST, Page
from models.jobs import job_lists, job_store, replays
from models.jobs.states import FINAL, STATES
from models.operations import cancelling
from models.rules import clock

SHOWN = 50
LOOKED_AT = 5000  # by a search: a page that is asked for again and again must be cheap
MOST_CHOSEN = 100
FILTERS = ("state", "kind", "label", "host", "text", "after", "before")


@pages.get("/jobs")
def list_jobs() -> Response:
    given = {name: request.args.get(name, "").strip() for name in (*FILTERS, "cursor")}
    given = {name: value for name, value in given.items() if value}
    page, problems = Page([], None), []
    try:
        asked = JobsQuery().load({**given, "limit": str(SHOWN)})
        page = job_lists.listed(visitor().account_id, filter_of(asked), asked["page"], LOOKED_AT)
    except ValidationError as error:
        problems = problems_of(error)
    return make_response(_rendered(given, page, problems), 422 if problems else 200)


def problems_of(error: ValidationError) -> list[str]:
    """What is wrong with a filter, each with its name in front."""
    return [f"{name} {text}" for name, texts in error.normalized_messages().items() for text in texts]


@pages.post("/jobs/chosen")
def act_on_chosen() -> Response:
    """Cancel the chosen jobs, or order them again; then the same list."""
    ids, kept = chosen(), {name: request.form[name] for name in FILTERS if request.form.get(name)}
    action = request.form.get("action")
    if not ids or action not in ("cancel", "again"):
        return back_to("list_jobs", "nothing", **kept)
    if action == "again":
        replays.replay(visitor().account_id, ids, clock.now())
        return back_to("list_jobs", "bulk_again", **kept)
    cancelling.cancel_all(visitor().account_id, ids, clock.now())
    return back_to("list_jobs", "bulk_cancelled", **kept)


def chosen() -> list[int]:
    """The integers of the jobs that were ticked, at most a hundred."""
    keys = [job_key(text) for text in request.form.getlist("job")[:MOST_CHOSEN]]
    return [key for key in keys if isinstance(key, int)]


def _rendered(given: dict[str, str], page: Page, problems: list[str]) -> str:
    filters: dict[str, Any] = {name: given[name] for name in FILTERS if name in given}
    return render_template(
        "jobs.html",
        jobs=page.rows,
        next=page.end and cursor_of(NEWEST_FIRST, page.end),
        is_first="cursor" not in given,
        asked=filters,
        problems=problems,
        states=STATES,
        final=FINAL,
        kinds=job_store.KINDS,
    )
