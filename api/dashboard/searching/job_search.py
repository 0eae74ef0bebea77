"""Reads which jobs a page or an export is about, from the search box and from the single fields of the address."""

from typing import Any

from flask import request
from marshmallow import ValidationError

from api.dashboard.labels import JOB_FILTERS
from api.dashboard.query import filled_fields, problems_of
from api.dashboard.searching import search_box
from api.dashboard.searching.search_box import FILTERS, Search
from api.dashboard.searching.search_times import zone_of
from api.requests.ids import job_key, uuid_key
from api.requests.job_filters import JobsQuery
from models.database.paging import NEWEST_FIRST
from models.jobs import job_store, labels
from models.rules import clock
from models.schedules import schedule_store

NEWEST = {"order_by": list(NEWEST_FIRST)}  # what is overdue, too: the page goes on by its cursor


def read_search(account_id: int) -> Search:
    """What the address asks for. A field of its own outranks the same one in the box."""
    typed = search_box.read(request.args.get("q", ""), clock.now(), zone_of(request.args.get("zone", "")))
    fields = with_label(account_id, typed.fields) | filled_fields(FILTERS)
    return Search(fields, typed.problems)


def with_label(account_id: int, fields: dict[str, str]) -> dict[str, str]:
    """The same, but a text that is a label of the account is looked for as one."""
    text = fields.get("text", "")
    if not text or "label" in fields or not labels.is_used(account_id, text):
        return fields
    return {**{name: value for name, value in fields.items() if name != "text"}, "label": text}


def loaded(search: Search, limit: int) -> tuple[dict[str, Any], list[str]]:
    """The query as GET /jobs reads it, and what is wrong with it; with problems there is no query."""
    if search.problems:
        return {}, search.problems
    fields = {**search.fields, **filled_fields(("cursor",)), **NEWEST, "limit": str(limit)}
    try:
        return JobsQuery().load(fields), []
    except ValidationError as error:
        return {}, problems_of(error, JOB_FILTERS)


def place_of_id(account_id: int) -> tuple[str, str] | None:
    """The endpoint and key of the page whose id is all that was typed: of a job or of a schedule."""
    text = request.args.get("q", "").strip()
    key = job_key(text)
    job = None if key is None else job_store.find(account_id, key)
    if job is not None:
        return "show_job", job.uuid
    schedule = schedule_store.find(account_id, text) if uuid_key(text) else None
    return None if schedule is None else ("show_schedule", schedule.id)
