"""Serves the search: an id leads to its thing, other words to the jobs that match them."""

from flask import Response, make_response, redirect, render_template, request, url_for

from api.dashboard.blueprint import pages, visitor
from api.dashboard.searching.job_search import loaded, read_typed
from api.dashboard.searching.search_box import FILTERS
from api.dashboard.searching.things import find_thing
from models.database.paging import Page
from models.jobs import job_lists

SHOWN = 8
LOOKED_AT = 1000  # jobs that a search reads while somebody types


@pages.get("/find")
def find() -> Response:
    """The thing or the list that the words lead to; the search itself without words, or when they are wrong."""
    typed = request.args.get("q", "").strip()
    if thing := find_thing(visitor().account_id, typed):
        return make_response(redirect(thing.address, 303))
    search = read_typed(visitor().account_id)
    if typed and not search.problems:
        return make_response(redirect(url_for("pages.list_jobs", **search.fields), 303))  # type: ignore[arg-type]
    text = render_template("find.html", typed=typed, problems=search.problems, names=FILTERS)
    return make_response(text, 422 if search.problems else 200)


@pages.get("/find/results")
def find_results() -> str:
    """A part of a page: the thing of an id, or the first jobs that match the words."""
    account_id, typed, page = visitor().account_id, request.args.get("q", "").strip(), Page([], None)
    thing, search = find_thing(account_id, typed), read_typed(account_id)
    jobs = loaded(account_id, search, SHOWN)
    if typed and not thing and not jobs.problems:
        page = job_lists.listed(account_id, jobs.filter, jobs.page, LOOKED_AT)
    values = {"thing": thing, "problems": jobs.problems, "page": page, "filters": search.fields}
    return render_template("find_results.html", typed=typed, **values)
