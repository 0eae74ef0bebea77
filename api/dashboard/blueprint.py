"""Holds what all pages share: the blueprint, the visitor who is signed in, the token of each form, the headers.

A GET reads and shows. A POST takes a form and redirects. GET changes nothing.
"""

from typing import NamedTuple

from flask import Blueprint, Response, g, make_response, redirect, request, url_for

from api.dashboard import sessions
from api.dashboard.labels import NOTES
from api.dashboard.sessions import Session
from api.key_cache import Caller
from api.responses.responses import ApiError
from models.accounts import account_store

pages = Blueprint("pages", __name__, template_folder="templates", static_folder="static", static_url_path="/static")

OPEN = (
    "pages.static",
    "pages.sign_in",
    "pages.sign_in_with_key",
    "pages.show_api",
    "pages.show_status_wall",
)  # endpoints for which nobody has to be signed in
THEMES = ("light", "dark")
PART = "Booper-Part"  # the header of a script that wants a part of a page again
HEADERS = {
    "Content-Security-Policy": (
        "default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
        "object-src 'none'; base-uri 'none'; frame-ancestors 'none'; form-action 'self'"
    ),
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}


class Visitor(NamedTuple):
    """Who is signed in."""

    account_id: int
    user_id: str
    account_name: str
    key_id: str


def visitor() -> Visitor:
    current: Visitor = g.visitor
    return current


def is_part() -> bool:
    """Whether a part of the page is wanted, so that what surrounds the parts may be left out."""
    return PART in request.headers


def redirect_to(endpoint: str, note: str = "", **values: object) -> Response:
    """The redirect after a form was accepted. `note`: the word of `labels.NOTES` that the next page shows."""
    query = {**values, "note": note} if note else values
    return make_response(redirect(url_for(f"pages.{endpoint}", **query), 303))  # type: ignore[arg-type]


@pages.before_request
def require_visitor() -> Response | None:
    """Let a visitor pass who is signed in; redirect any other one to the sign-in page."""
    if request.endpoint == "pages.static":
        return None
    recognize_visitor()
    if request.method == "POST":
        refuse_foreign_form()
    if "visitor" in g or request.endpoint in OPEN:
        return None
    path = request.full_path.rstrip("?") if request.method == "GET" else "/"
    next_path = f"{request.script_root}{path}"
    return make_response(redirect(url_for("pages.sign_in", next=next_path), 303))


def recognize_visitor() -> None:
    """Read the session of this request, and whose key signed in."""
    g.session = sessions.read()
    account = account_store.of_key(g.session.key_id) if g.session and g.session.key_id else None
    if account:
        g.visitor = Visitor(account.id, account.uuid, account.name, g.session.key_id)
        g.caller = Caller(account.id, account.uuid)  # the log line names it


def refuse_foreign_form() -> None:
    """403 for a form without the token that this site put into it."""
    session: Session | None = g.session
    if session is None or not sessions.token_matches(session, request.form.get("csrf", "")):
        raise ApiError(403, "The form was too old or came from another site. Nothing was changed. Load the page again.")


@pages.after_request
def add_headers(response: Response) -> Response:
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)
    return response


@pages.app_context_processor
def shared_values() -> dict[str, object]:
    """What every template may use."""
    theme = request.cookies.get("booper_theme", "")
    session: Session | None = g.get("session")
    return {
        "visitor": g.get("visitor"),
        "csrf": session.token if session else "",
        "root": request.script_root,  # for links of what is also rendered outside of a request
        "is_part": is_part(),
        "theme": theme if theme in THEMES else "",
        "note": NOTES.get(request.args.get("note", ""), ""),
    }
