"""Owns the page that acts on all jobs of a filter: the question, then how far it is after each chunk, then what came.

A chunk is a form; its redirect leads back here, with the place where the next one begins. The script sends chunk after
chunk by itself, without it a person does. Nothing of it is kept: whoever leaves has stopped it.
"""

import secrets
from collections.abc import Mapping
from typing import Any, NamedTuple

from flask import Response, make_response, render_template, request
from marshmallow import ValidationError

from api.dashboard.blueprint import back_to, pages, visitor
from api.dashboard.pages.jobs import FILTERS, problems_of
from api.requests.job_filters import JobsQuery, filter_of
from api.requests.paging import cursor_of
from api.responses.responses import ApiError
from models.database.paging import NEWEST_FIRST
from models.jobs.job_lists import JobFilter
from models.jobs.job_tables import REQUEST
from models.operations import bulk
from models.operations.bulk import AGAIN, CANCEL, CHUNK, Mark
from models.rules import clock

GROUP = ("host", "reason")  # of a group of failures, as they were kept
MOST_CHARS = 300


class Asked(NamedTuple):
    """What is to be done to which jobs, and how far it is. `given`: the filter as it was asked for; `until`: when it
    was; `mark`: None when all is done; `begun`: whether anything is done already; `once` as in
    models/operations/bulk.py."""

    action: str
    given: dict[str, str]
    filter: JobFilter
    until: int
    once: str
    mark: Mark | None = Mark()
    begun: bool = False
    done: int = 0
    missed: int = 0


@pages.get("/jobs/bulk")
def show_bulk() -> Response:
    asked = read(request.args)
    left = asked.mark and bulk.count_left(visitor().account_id, asked.action, asked.filter, asked.mark)
    return make_response(render_template("bulk.html", asked=asked, left=left, carried=carried(asked), chunk=CHUNK))


@pages.post("/jobs/bulk")
def do_chunk() -> Response:
    """Do the next chunk; the page tells how far it is then."""
    asked = read(request.form)
    if asked.mark is not None:
        account_id, now = visitor().account_id, clock.now()
        came = bulk.run_chunk(account_id, asked.action, asked.filter, asked.mark, asked.once, now)
        done, missed = asked.done + came.done, asked.missed + came.missed
        asked = asked._replace(mark=came.mark, begun=True, done=done, missed=missed)
    return back_to("show_bulk", **carried(asked))


def carried(asked: Asked) -> dict[str, Any]:
    """The same as the fields of a form."""
    fields = {**asked.given, "action": asked.action, "until": asked.until, "once": asked.once}
    if not asked.begun:
        return fields
    fields |= {"done": asked.done, "missed": asked.missed, "turn": "end" if asked.mark is None else asked.mark.turn}
    place = asked.mark and asked.mark.place
    return fields | ({"cursor": cursor_of(NEWEST_FIRST, place)} if place else {})


def read(form: Mapping[str, str]) -> Asked:
    """What a form or an address asks for; 422 for what can't be meant."""
    given = {name: form[name] for name in (*FILTERS, "reason") if form.get(name) or (name in form and "reason" in form)}
    try:
        asked, place = _filter(given, form.get("cursor", ""))
    except ValidationError as error:
        raise ApiError(422, "; ".join(problems_of(error))) from None
    action, now = form.get("action", ""), clock.now()
    if action != CANCEL and (action != AGAIN or asked.kind != REQUEST):
        raise ApiError(422, "All that match can be cancelled; requests can be ordered again. Nothing was done.")
    until = whole(form.get("until", ""), now)  # by the clock of the server that put the question
    bounded = asked._replace(before=until if asked.before is None else min(asked.before, until))
    told = Asked(action, given, bounded, until, form.get("once", "")[:MOST_CHARS] or secrets.token_urlsafe(12))
    if "turn" not in form:
        return told
    mark = None if form["turn"] == "end" else Mark(whole(form["turn"], 0), place)
    return told._replace(mark=mark, begun=True, done=whole(form.get("done", "")), missed=whole(form.get("missed", "")))


def _filter(given: dict[str, str], cursor: str) -> tuple[JobFilter, Any]:
    """The filter, and the place that the cursor names. Raises ValidationError."""
    group = GROUP if "reason" in given else ()
    if any(len(given.get(name, "")) > MOST_CHARS or "\0" in given.get(name, "") for name in group):
        raise ValidationError(f"must be at most {MOST_CHARS} characters without NUL", "reason")
    named = {name: value for name, value in given.items() if value and name not in group}
    asked = JobsQuery().load(named | ({"cursor": cursor} if cursor else {}))
    found = filter_of(asked)
    if group:
        found = found._replace(host=given.get("host", ""), reason=given["reason"])
    return found, asked["page"].place


def whole(text: str, default: int = 0) -> int:
    """The whole number that a text spells."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else default
