"""Owns the form that orders a job, empty or filled in from an old one."""

from typing import Any

from flask import Response, make_response, render_template, request
from marshmallow import ValidationError

from api.order_fields import OrderFields, due_at
from api.orders import new_job
from api.pages.blueprint import back_to, pages, visitor
from api.pages.job import found
from api.pages.order_form import EMPTY, METHODS, SHOWN_ERRORS, UNITS, fields_of, flat, form_of
from models import clock, jobs


@pages.get("/jobs/new")
def show_new_job() -> Response:
    """An empty form, or one filled in from the job that `from` names."""
    like = request.args.get("from", "")
    return _form(form_of(found(like)) if like else dict(EMPTY), {}, 200)


@pages.post("/jobs/new")
def create_job() -> Response:
    form = request.form.to_dict()
    try:
        fields = fields_of(form)
        order = OrderFields().load(fields)
    except ValidationError as error:
        return _form(form, error.normalized_messages(), 422)
    now = clock.now()
    made, _ = jobs.create(new_job(order, visitor().account_id, due_at(order, now), 0), now)
    return back_to("show_job", "created", key=made.uuid)


def _form(form: dict[str, str], errors: dict[str, Any], status: int) -> Response:
    text = render_template(
        "new_job.html", form=form, errors=flat(errors), units=UNITS, methods=METHODS, shown_errors=SHOWN_ERRORS
    )
    return make_response(text, status)
