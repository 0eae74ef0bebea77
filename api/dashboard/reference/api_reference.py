"""The page of the API: every operation with its fields, examples and answers. Nobody has to be signed in for it."""

from functools import cache

from flask import current_app, render_template

from api.dashboard.blueprint import pages
from api.dashboard.reference import operations_shown
from api.documentation import Documentation

PAGE = "api_reference.html"


@pages.route("/api/docs")
def show_api() -> str:
    return render_template(PAGE, groups=_groups(current_app.extensions[Documentation.EXTENSION]))


@cache
def _groups(documentation: Documentation) -> list[operations_shown.Group]:
    return operations_shown.groups(documentation.document)
