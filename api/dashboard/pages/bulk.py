"""Serves the page that acts on all jobs of a filter: the question, the progress after each chunk, the result.

A chunk is a form. Its redirect leads back to the page, with the place where the next chunk begins in the address. The
script sends one chunk after another; without it a person does. The server keeps nothing, so leaving the page stops it.
"""

import secrets
from collections.abc import Mapping
from typing import Any, NamedTuple

from flask import Response, make_response, render_template, request
from marshmallow import ValidationError

from api.dashboard.blueprint import pages, redirect_to, visitor
from api.dashboard.labels import JOB_FILTERS
from api.dashboard.pages.jobs import FILTERS
from api.dashboard.query import problems_of, whole_number
from api.requests.job_filters import JobsQuery, filter_of
from api.requests.paging import cursor_of
from api.responses.responses import ApiError
from models.database.paging import NEWEST_FIRST
from models.jobs.job_kinds import REQUEST
from models.jobs.job_lists import JobFilter
from models.operations import bulk
from models.operations.bulk import AGAIN, CANCEL, CHUNK, Mark
from models.rules import clock

GROUP = ("host", "reason")  # name a group of failures, by the text as it is stored
MAX_CHARS = 300
END = "end"  # for a turn: all is done


class BulkAction(NamedTuple):
    """An action on all jobs of a filter, and its progress. `fields`: the filter as the form spells it; `until`: the
    instant of the question; `mark`: where the next chunk begins, None when all is done; `begun`: whether a chunk is
    done; `once` as in models/operations/bulk.py."""

    action: str
    fields: dict[str, str]
    filter: JobFilter
    until: int
    once: str
    mark: Mark | None = Mark()
    begun: bool = False
    done: int = 0
    missed: int = 0


@pages.get("/jobs/bulk")
def show_bulk() -> Response:
    act = read_action(request.args)
    left = act.mark and bulk.count_left(visitor().account_id, act.action, act.filter, act.mark)
    fields = form_fields(act)
    text = render_template("bulk.html", act=act, left=left, fields=fields, chunk=CHUNK, filter_labels=JOB_FILTERS)
    return make_response(text)


@pages.post("/jobs/bulk")
def do_chunk() -> Response:
    """Do the next chunk; the page shows the progress."""
    act = read_action(request.form)
    if act.mark is not None:
        account_id, now = visitor().account_id, clock.now()
        chunk = bulk.run_chunk(account_id, act.action, act.filter, act.mark, act.once, now)
        done, missed = act.done + chunk.done, act.missed + chunk.missed
        act = act._replace(mark=chunk.mark, begun=True, done=done, missed=missed)
    return redirect_to("show_bulk", **form_fields(act))


def form_fields(act: BulkAction) -> dict[str, Any]:
    """The action as the fields of a form, which `read_action` reads."""
    fields = {**act.fields, "action": act.action, "until": act.until, "once": act.once}
    if not act.begun:
        return fields
    fields |= {"done": act.done, "missed": act.missed, "turn": END if act.mark is None else act.mark.turn}
    place = act.mark and act.mark.place
    return fields | ({"cursor": cursor_of(NEWEST_FIRST, place)} if place else {})


def read_action(form: Mapping[str, str]) -> BulkAction:
    """The action in a form or an address; 422 for one that can't be done."""
    is_group = "reason" in form
    fields = {name: form[name] for name in (*FILTERS, "reason") if form.get(name) or (name in form and is_group)}
    try:
        job_filter, place = _filter(fields, form.get("cursor", ""))
    except ValidationError as error:
        raise ApiError(422, "; ".join(problems_of(error, JOB_FILTERS))) from None
    action, now = form.get("action", ""), clock.now()
    if action != CANCEL and (action != AGAIN or job_filter.kind != REQUEST):
        raise ApiError(422, "Jobs can be cancelled; jobs of the kind request can be run again. Nothing was done.")
    until = whole_number(form.get("until", ""), now)  # by the clock of the server that showed the question
    bounded = job_filter._replace(before=until if job_filter.before is None else min(job_filter.before, until))
    once = form.get("once", "")[:MAX_CHARS] or secrets.token_urlsafe(12)
    return _with_progress(BulkAction(action, fields, bounded, until, once), form, place)


def _with_progress(act: BulkAction, form: Mapping[str, str], place: Any) -> BulkAction:
    if "turn" not in form:
        return act
    mark = None if form["turn"] == END else Mark(whole_number(form["turn"]), place)
    done, missed = whole_number(form.get("done", "")), whole_number(form.get("missed", ""))
    return act._replace(mark=mark, begun=True, done=done, missed=missed)


def _filter(fields: dict[str, str], cursor: str) -> tuple[JobFilter, Any]:
    """The filter, and the place that the cursor names. Raises ValidationError."""
    group = GROUP if "reason" in fields else ()
    if any(len(fields.get(name, "")) > MAX_CHARS or "\0" in fields.get(name, "") for name in group):
        raise ValidationError(f"must be at most {MAX_CHARS} characters without NUL", "reason")
    named = {name: value for name, value in fields.items() if value and name not in group}
    query = JobsQuery().load(named | ({"cursor": cursor} if cursor else {}))
    job_filter = filter_of(query)
    if group:
        job_filter = job_filter._replace(host=fields.get("host", ""), reason=fields["reason"])
    return job_filter, query["page"].place
