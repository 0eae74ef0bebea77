"""Serves the page that finds and lists jobs, exports what it shows, and cancels or replays the selected ones."""

from collections.abc import Iterator

from flask import Response, make_response, redirect, render_template, request

from api.dashboard import ranges
from api.dashboard.blueprint import pages, redirect_to, visitor
from api.dashboard.errors import page_not_found
from api.dashboard.labels import JOB_FILTERS
from api.dashboard.searching import job_export, search_box
from api.dashboard.searching.job_columns import listed_jobs
from api.dashboard.searching.job_search import JobSearch, loaded, read_address
from api.dashboard.searching.search_box import FILTERS, Search
from api.dashboard.searching.things import find_thing
from api.dashboard.timelines.timeline_values import SCOPES
from api.requests.ids import job_key
from api.requests.paging import cursor_of
from api.responses.responses import ApiError
from models.database.paging import NEWEST_FIRST, Page
from models.jobs import job_kinds, job_lists
from models.jobs.states import FINAL, STATES
from models.operations import cancelling, changing
from models.operations.bulk import CANCEL, RETRY
from models.rules import clock

SHOWN = 50
LOOKED_AT = 5000  # rows that a search reads, so that a page that refreshes often stays cheap
MAX_SELECTED = 100
MORE = ("name", "path", "schedule", "flow", "lane", "status_code", "reason")  # texts that are typed in


@pages.get("/jobs")
def list_jobs() -> Response:
    account_id = visitor().account_id
    if thing := find_thing(account_id, request.args.get("q", "").strip()):
        return make_response(redirect(thing.address, 303))
    search = read_address(account_id)
    jobs, page = loaded(account_id, search, SHOWN), Page([], None)
    if not jobs.problems:
        page = job_lists.listed(account_id, jobs.filter, jobs.page, LOOKED_AT)
    return make_response(_rendered(search, jobs, page), 422 if jobs.problems else 200)


@pages.get("/jobs/export.<form>")
def export_jobs(form: str) -> Response:
    """The jobs that the list shows, and those on its further pages."""
    if form not in job_export.FORMS:
        raise page_not_found()
    account_id, (media_type, line, head) = visitor().account_id, job_export.FORMS[form]
    jobs = loaded(account_id, read_address(account_id), 1)
    if jobs.problems:
        raise ApiError(422, "; ".join(jobs.problems))
    lines = job_export.pieces(account_id, jobs.filter, jobs.page, line)

    def whole() -> Iterator[str]:
        yield head
        yield from lines

    headers = {"Content-Disposition": f'attachment; filename="jobs.{form}"', "X-Content-Type-Options": "nosniff"}
    return Response(whole(), mimetype=media_type, headers=headers)


@pages.post("/jobs/chosen")
def act_on_selected() -> Response:
    """Cancel or replay the selected jobs, and show the same list again."""
    ids, filters = selected_ids(), {name: request.form[name] for name in FILTERS if request.form.get(name)}
    action = request.form.get("action")
    if not ids or action not in (CANCEL, RETRY):
        return redirect_to("list_jobs", "nothing", **filters)
    if action == RETRY:
        done = changing.run_again(visitor().account_id, ids, clock.now())
        return redirect_to("list_jobs", "bulk_again" if done else "none_waits", **filters)
    cancelling.cancel_all(visitor().account_id, ids, clock.now())
    return redirect_to("list_jobs", "bulk_cancelled", **filters)


def selected_ids() -> list[int]:
    """The integers of the first `MAX_SELECTED` jobs whose boxes are checked."""
    keys = [job_key(text) for text in request.form.getlist("job")[:MAX_SELECTED]]
    return [key for key in keys if isinstance(key, int)]


def _rendered(search: Search, jobs: JobSearch, page: Page) -> str:
    untimed = {name: text for name, text in search.fields.items() if name not in ranges.ENDS}
    in_words = search_box.written(untimed if search.span else search.fields)
    return render_template(
        "jobs.html",
        jobs=listed_jobs(page.rows, clock.now()),
        next=page.end and cursor_of(jobs.page.order, page.end),
        searched_to=page.end.value if page.end and jobs.page.order == NEWEST_FIRST and len(page.rows) < SHOWN else None,
        is_first="cursor" not in request.args,
        filters=search.fields,
        range=ranges.Range(search.span, {name: search.fields[name] for name in ranges.ENDS if name in search.fields}),
        untimed=untimed,
        spans=ranges.LABELS,
        scope={name: search.fields[name] for name in SCOPES if name in search.fields},
        typed=request.args.get("q", "").strip() or in_words,
        in_words=in_words,
        problems=jobs.problems,
        is_whole=jobs.is_whole,
        states=STATES,
        final=FINAL,
        kinds=job_kinds.KINDS,
        more={name: JOB_FILTERS[name] for name in MORE},
        most=job_export.MAX_JOBS,
    )
