"""Serves the search: an id leads to its thing, other words to the jobs that match them."""

from typing import Any, NamedTuple

from flask import Response, make_response, redirect, render_template, request, url_for
from marshmallow import ValidationError

from api.dashboard import search_words
from api.dashboard.blueprint import pages, visitor
from api.dashboard.labels import JOB_FILTERS
from api.dashboard.query import problems_of
from api.requests.ids import job_key
from api.requests.job_filters import JobsQuery, filter_of
from models.database.paging import NEWEST_FIRST, Page
from models.jobs import job_lists, job_store, log_entries
from models.rules import clock
from models.schedules import schedule_store

MAX_CHARS = 300
SHOWN = 8
LOOKED_AT = 1000  # jobs that a search reads while somebody types


class Thing(NamedTuple):
    """What an id names: what it is, and its address."""

    label: str
    address: str


@pages.get("/find")
def find() -> Response:
    """The thing or the list that the words lead to; the search itself without words, or when they are wrong."""
    typed = _typed()
    if thing := _thing(typed):
        return make_response(redirect(thing.address, 303))
    search = search_words.read(typed, clock.now())
    if typed and not search.problems:
        return make_response(redirect(url_for("pages.list_jobs", **search.filters), 303))  # type: ignore[arg-type]
    text = render_template("find.html", typed=typed, problems=search.problems, names=JOB_FILTERS)
    return make_response(text, 422 if search.problems else 200)


@pages.get("/find/results")
def find_results() -> str:
    """A part of a page: the thing of an id, or the first jobs that match the words."""
    typed = _typed()
    search, page = search_words.read(typed, clock.now()), Page([], None)
    thing, problems = _thing(typed), search.problems
    if typed and not thing and not problems:
        try:
            page = _jobs(search.filters)
        except ValidationError as error:
            problems = problems_of(error, JOB_FILTERS)
    return render_template(
        "find_results.html", typed=typed, thing=thing, problems=problems, page=page, filters=search.filters
    )


def _typed() -> str:
    return request.args.get("q", "").strip()[:MAX_CHARS]


def _jobs(filters: dict[str, str]) -> Page:
    query: dict[str, Any] = JobsQuery().load({**filters, "order_by": list(NEWEST_FIRST), "limit": str(SHOWN)})
    return job_lists.listed(visitor().account_id, filter_of(query), query["page"], LOOKED_AT)


def _thing(typed: str) -> Thing | None:
    """The visitor's job, schedule or log entry of this id."""
    key, account_id = job_key(typed), visitor().account_id
    if key is None:
        return None
    if job := job_store.find(account_id, key):
        return Thing(f"Job {job.id}", url_for("pages.show_job", key=job.uuid))
    if isinstance(key, int):
        return None
    if schedule_store.find(account_id, key):
        return Thing("Schedule", url_for("pages.show_schedule", key=key))
    return Thing("Log entry", url_for("pages.show_log", key=key)) if log_entries.find(account_id, key) else None
