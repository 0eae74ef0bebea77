"""Keeps the colors that a visitor chooses: light, dark, or those of the system."""

from urllib.parse import urlsplit

from flask import Response, make_response, redirect, request

from api.dashboard.blueprint import THEMES, pages
from api.dashboard.pages.signing_in import local_path

COOKIE = "booper_theme"
LASTS_S = 365 * 24 * 3600


@pages.post("/theme")
def choose_theme() -> Response:
    """Keep the choice in a cookie; any other word than light and dark means those of the system."""
    chosen = request.form.get("theme", "")
    came_from = urlsplit(request.referrer or "")._replace(scheme="", netloc="", fragment="").geturl()
    response = make_response(redirect(local_path(came_from, request.script_root), 303))
    response.set_cookie(COOKIE, chosen if chosen in THEMES else "", max_age=LASTS_S, samesite="Strict", path="/")
    return response
