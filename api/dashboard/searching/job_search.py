"""Reads which jobs a page or an export is about, from the search box and from the single fields of the address."""

from typing import NamedTuple

from flask import request
from marshmallow import ValidationError

from api.dashboard.labels import JOB_FILTERS
from api.dashboard.query import filled_fields, problems_of
from api.dashboard.ranges import ENDS, SPAN, as_typed, check_order, range_of
from api.dashboard.reader_times import ZONE, in_utc, zone_of
from api.dashboard.searching import search_box
from api.dashboard.searching.search_box import FILTERS, TIMES, Search
from api.requests.job_filters import FURTHEST, JobsQuery, filter_of, read_instant
from api.requests.job_values import AN_INSTANT, read_label
from models.database.paging import NEWEST_FIRST, PageRequest
from models.jobs import labels
from models.jobs.job_kinds import REQUEST
from models.jobs.searches.job_filter import JobFilter
from models.operations.timelines import active_jobs
from models.rules import clock

NEWEST = {"order_by": list(NEWEST_FIRST)}
ACTIVE = ("active_after", "active_before")  # a stretch of the timeline
RANGES = (ENDS, ("failed_after", "failed_before"), ("scheduled_after", "scheduled_before"), ACTIVE)


class JobSearch(NamedTuple):
    """Which jobs, and which page of them. `is_whole`: the filter finds all jobs of its stretch of the timeline. With
    `problems` nothing is to be looked for."""

    filter: JobFilter
    page: PageRequest
    is_whole: bool
    problems: list[str]


def read_address(account_id: int) -> Search:
    """What the address asks for. A field of its own outranks the same one in the box, and a time in either outranks
    the preset of a range."""
    typed = read_typed(account_id)
    raw = typed.fields | filled_fields(FILTERS)
    as_it_stands = Search(raw, typed.problems, as_typed(raw | filled_fields((SPAN,))).span)
    if typed.problems:
        return as_it_stands
    try:
        fields = typed.fields | in_utc(filled_fields((*FILTERS, ZONE)), TIMES)
    except ValidationError as error:
        return as_it_stands._replace(problems=problems_of(error))
    chosen = range_of(fields | filled_fields((SPAN,)), clock.now())
    return Search(fields | chosen.ends, [], chosen.span)


def read_typed(account_id: int) -> Search:
    """What was typed into the box. A text that is a label of the account is looked for as one."""
    typed = _read_box()
    text = typed.fields.get("text", "")
    if "label" in typed.fields or not _is_label(account_id, text):
        return typed
    others = {name: value for name, value in typed.fields.items() if name != "text"}
    return Search({**others, "label": text}, typed.problems)


def _read_box() -> Search:
    """The words of the box. A zone that is none is a problem for its times alone."""
    name, text, now = request.args.get(ZONE, ""), request.args.get("q", ""), clock.now()
    try:
        return search_box.read(text, now, zone_of(name))
    except ValidationError as error:
        typed = search_box.read(text, now, zone_of(""))
        return Search({}, problems_of(error)) if any(each in typed.fields for each in TIMES) else typed


def _is_label(account_id: int, text: str) -> bool:
    try:
        return labels.is_used(account_id, read_label(text))
    except ValueError:
        return False


def loaded(account_id: int, search: Search, limit: int) -> JobSearch:
    """The search as GET /jobs reads it."""
    nothing = JobSearch(JobFilter(REQUEST), PageRequest(NEWEST_FIRST, limit), True, search.problems)
    if search.problems:
        return nothing
    others = {name: value for name, value in search.fields.items() if name not in ACTIVE}
    try:
        active = _stretch({name: search.fields[name] for name in ACTIVE if name in search.fields})
        ordered = {} if "due" in others else NEWEST  # what is overdue comes as the API lists it
        query = JobsQuery().load({**others, **filled_fields(("cursor",)), **ordered, "limit": str(limit)})
        for first, last in RANGES:
            check_order(query | active, first, last)
    except ValidationError as error:
        return nothing._replace(problems=problems_of(error, JOB_FILTERS))
    job_filter, is_whole = _of_stretch(account_id, filter_of(query), **active)
    return JobSearch(job_filter, query["page"], is_whole, [])


def _stretch(fields: dict[str, str]) -> dict[str, int]:
    """The instants between which the stretch of a timeline lies."""
    instants = {}
    for name, text in fields.items():
        try:
            instants[name] = read_instant(text)
        except ValueError:
            raise ValidationError(f"must be {AN_INSTANT}", name) from None
    return instants


def _of_stretch(
    account_id: int, job_filter: JobFilter, active_after: int = 0, active_before: int = FURTHEST
) -> tuple[JobFilter, bool]:
    """The filter for the jobs of a stretch of the timeline, and whether it finds all of them."""
    if (active_after, active_before) == (0, FURTHEST):
        return job_filter, True
    ids, is_whole = active_jobs.between(account_id, job_filter, active_after, active_before)
    return job_filter._replace(ids=ids), is_whole
