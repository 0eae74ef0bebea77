"""Owns the preview of when an order would run."""

from flask import render_template, request
from marshmallow import ValidationError

from api.order_fields import OrderFields, due_at
from api.pages.blueprint import pages
from api.pages.order_form import time_fields
from api.reading import Fields
from models import clock


@pages.get("/jobs/preview")
def preview() -> str:
    """When a job with these times would run."""
    form = {name: request.args.get(name, "") for name in ("when", "amount", "unit", "at", "offset")}
    try:
        order = OrderFields().load(Fields({"url": "https://example.com/", **time_fields(form)}))
        return render_template("preview.html", instants=[due_at(order, clock.now())], problems=[])
    except ValidationError as error:
        problems = [text for texts in error.normalized_messages().values() for text in texts]
        return render_template("preview.html", instants=[], problems=problems)
