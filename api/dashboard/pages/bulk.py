"""Serves the pages of actions on all jobs of a filter: the question, how far each is, the list of them.

The answer to the question makes an operation, which the ticker works off, also when nobody looks.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

from flask import Response, make_response, render_template, request, url_for
from marshmallow import ValidationError

from api.dashboard import ranges
from api.dashboard.blueprint import pages, redirect_to, visitor
from api.dashboard.errors import page_not_found
from api.dashboard.labels import JOB_FILTERS, OPERATIONS
from api.dashboard.query import problems_of, whole_number
from api.dashboard.searching.search_box import FILTERS
from api.requests.ids import uuid_key
from api.requests.job_filters import JobsQuery, filter_of
from api.responses.responses import ApiError
from models.database.ids import new_id
from models.database.paging import NEWEST_FIRST, PageRequest
from models.jobs.job_json import compact
from models.jobs.job_kinds import REQUEST
from models.jobs.searches.job_filter import JobFilter
from models.operations import bulk, operation_store
from models.operations.bulk import CANCEL, RETRY
from models.operations.operation_store import OperationRow
from models.rules import clock

GROUP = ("host", "reason")  # name a group of failures, by the text as it is stored
MAX_CHARS = 300
SHOWN = 50


class Question(NamedTuple):
    """An action on all jobs of a filter. `fields`: the filter as the form spells it; `is_group`: it is that of a group
    of failures; `filter`: the same, without jobs made after the question; `uuid`: of the operation that the answer
    makes, so that an answer sent twice makes one."""

    action: str
    fields: dict[str, str]
    is_group: bool
    filter: JobFilter
    uuid: str


@pages.get("/jobs/bulk")
def show_bulk() -> Response:
    question = read_question(request.args)
    left = bulk.count(visitor().account_id, question.action, question.filter)
    return make_response(
        render_template(
            "bulk.html",
            question=question,
            title=OPERATIONS[question.action],
            left=left,
            fields=form_fields(question),
            filter_labels=JOB_FILTERS,
            back=came_from(question),
        )
    )


@pages.post("/jobs/bulk")
def start_operation() -> Response:
    """Make the operation, and show it."""
    question, account_id = read_question(request.form), visitor().account_id
    sent, now = compact(question.fields), clock.now()
    try:
        operation = bulk.create(account_id, question.action, sent, question.filter, None, now, question.uuid)
    except operation_store.TooMany:
        message = f"{operation_store.MAX_RUNNING} operations are running. Wait for one to end, or stop one."
        raise ApiError(409, message) from None
    if operation is None:
        raise page_not_found()
    return redirect_to("show_operation", key=operation.uuid)


@pages.get("/operations")
def list_operations() -> str:
    page = operation_store.listed(visitor().account_id, None, PageRequest(NEWEST_FIRST, SHOWN))
    return render_template("operations.html", operations=page.rows, more=page.end is not None, titles=OPERATIONS)


@pages.get("/operations/<key>")
def show_operation(key: str) -> str:
    operation = find_operation(key)
    return render_template(
        "operation.html",
        operation=operation,
        title=OPERATIONS.get(operation.action, operation.action),
        filter_labels=JOB_FILTERS,
    )


@pages.post("/operations/<key>/cancel")
def stop_operation(key: str) -> Response:
    """What is done stays done."""
    operation = find_operation(key)
    operation_store.cancel(visitor().account_id, operation.uuid, clock.now())
    return redirect_to("show_operation", key=operation.uuid)


def find_operation(key: str) -> OperationRow:
    """The visitor's operation with this UUID, or 404."""
    uuid = uuid_key(key)
    operation = None if uuid is None else operation_store.find(visitor().account_id, uuid)
    if operation is None:
        raise page_not_found()
    return operation


def came_from(question: Question) -> str:
    """The address of the list that asks this question."""
    if not question.is_group:
        return url_for("pages.list_jobs", **question.fields)  # type: ignore[arg-type]
    ends = {name: question.fields.get(f"failed_{name}", "") for name in ranges.ENDS}
    shown = ranges.address_of({name: text for name, text in ends.items() if text})
    return url_for("pages.list_failures", **shown)  # type: ignore[arg-type]


def form_fields(question: Question) -> dict[str, Any]:
    """The question as the fields of a form, which `read_question` reads."""
    return {
        **question.fields,
        **({"group": "1"} if question.is_group else {}),
        "action": question.action,
        "until": question.filter.until_id,
        "once": question.uuid,
    }


def read_question(form: Mapping[str, str]) -> Question:
    """The question in a form or an address; 422 for what can't be done."""
    is_group = "group" in form
    named = (name for name in FILTERS if form.get(name) or (is_group and name in GROUP))
    fields = {name: form.get(name, "") for name in named}
    try:
        job_filter = _filter(fields, GROUP if is_group else ())
    except ValidationError as error:
        raise ApiError(422, "; ".join(problems_of(error, JOB_FILTERS))) from None
    action = form.get("action", "")
    if action != CANCEL and (action != RETRY or job_filter.kind != REQUEST):
        raise ApiError(422, "Jobs can be cancelled; jobs of the kind request can be run again. Nothing was done.")
    until_id = whole_number(form.get("until", ""), -1)
    bounded = bulk.until_now(visitor().account_id, job_filter._replace(until_id=until_id if until_id >= 0 else None))
    return Question(action, fields, is_group, bounded, uuid_key(form.get("once", "")) or new_id())


def _filter(fields: dict[str, str], group: tuple[str, ...]) -> JobFilter:
    """Raises ValidationError."""
    if any(len(fields[name]) > MAX_CHARS or "\0" in fields[name] for name in group):
        raise ValidationError(f"must be at most {MAX_CHARS} characters without NUL", "reason")
    plain = {name: value for name, value in fields.items() if value and name not in group}
    job_filter = filter_of(JobsQuery().load(plain))
    if group:
        return job_filter._replace(host=fields["host"], reason=fields["reason"], replayed=False)
    return job_filter
