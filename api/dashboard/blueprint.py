"""Owns what all pages share: who is asking, the token of each form, the headers, and what an error looks like.

A page asks and shows; a form posts and is answered by a redirect. GET changes nothing.
"""

from typing import NamedTuple

from flask import Blueprint, Response, g, make_response, redirect, render_template, request, url_for
from werkzeug.exceptions import HTTPException

from api.dashboard import sessions
from api.dashboard.sessions import Session
from api.key_cache import Caller
from api.responses import responses
from api.responses.responses import ApiError, request_id
from models.accounts import account_store
from models.database.connection import Unreachable

pages = Blueprint("pages", __name__, template_folder="templates", static_folder="static", static_url_path="/static")

OPEN = ("pages.static", "pages.sign_in", "pages.sign_in_with_key")
PASSED_ON = ("Allow", "Retry-After")
THEMES = ("light", "dark")
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
NAMES = {
    400: "That was not understood",
    401: "Not signed in",
    403: "That form was not from here",
    404: "Nothing here",
    405: "Not that way",
    413: "Too large",
    422: "Some of that can't be",
    429: "A little slower, please",
    500: "Something went wrong",
    503: "Back in a moment",
}
MESSAGES = {
    404: "There is nothing at this address that you may see. It may have been deleted, or belong to another account.",
    405: "This address takes forms only; go back and use the button.",
    500: "It is our mistake. The operator finds it in the log by the id below.",
    503: "The database can't be reached just now; jobs wait in it and nothing is lost. Try again in a few seconds.",
}


NAV = (  # the first endpoint of each page, its name, and the endpoints that belong to it
    ("show_overview", "Overview", ("pages.show_overview",)),
    (
        "list_jobs",
        "Jobs",
        ("pages.list_jobs", "pages.show_job", "pages.show_new_job", "pages.create_job", "pages.show_bulk"),
    ),
    (
        "list_schedules",
        "Schedules",
        ("pages.list_schedules", "pages.show_schedule", "pages.edit_schedule", "pages.change_schedule"),
    ),
    ("list_failures", "Failures", ("pages.list_failures",)),
    ("list_logs", "Logs", ("pages.list_logs", "pages.show_log")),
    ("list_keys", "Keys", ("pages.list_keys", "pages.create_key")),
    ("list_signing_keys", "Signing keys", ("pages.list_signing_keys", "pages.create_signing_key")),
    ("list_endpoints", "Endpoints", ("pages.list_endpoints", "pages.add_endpoint")),
    ("list_channels", "Channels", ("pages.list_channels", "pages.set_channel")),
)


class Visitor(NamedTuple):
    """Who is signed in."""

    account_id: int
    user_id: str
    account_name: str
    key_id: str


def visitor() -> Visitor:
    found: Visitor = g.visitor
    return found


def gone() -> ApiError:
    """404, the same for what is missing and for what is another account's."""
    return ApiError(404, MESSAGES[404])


def back_to(endpoint: str, note: str = "", **values: object) -> Response:
    """The redirect after a form was taken; `note` is a word of NOTES that the next page shows."""
    asked = {**values, "note": note} if note else values
    return make_response(redirect(url_for(f"pages.{endpoint}", **asked), 303))  # type: ignore[arg-type]


@pages.before_request
def know_visitor() -> Response | None:
    """Let pass who is signed in; send others to the sign-in page."""
    if request.endpoint == "pages.static":
        return None
    g.session = sessions.read()
    account = account_store.of_key(g.session.key_id) if g.session and g.session.key_id else None
    if account:
        g.visitor = Visitor(account.id, account.uuid, account.name, g.session.key_id)
        g.caller = Caller(account.id, account.uuid)  # for the line in the log
    if request.method == "POST":
        refuse_foreign_form()
    if account or request.endpoint in OPEN:
        return None
    wanted = request.full_path.rstrip("?") if request.method == "GET" else "/"
    return make_response(redirect(url_for("pages.sign_in", next=wanted), 303))


def refuse_foreign_form() -> None:
    """403 for a form without the token that this site put into it."""
    session: Session | None = g.session
    if session is None or not sessions.token_matches(session, request.form.get("csrf", "")):
        raise ApiError(403, "The form had grown old or came from another site; nothing was changed. Load it again.")


@pages.after_request
def add_headers(response: Response) -> Response:
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)
    return response


@pages.context_processor
def shared() -> dict[str, object]:
    """What every template may use."""
    theme = request.cookies.get("booper_theme", "")
    session: Session | None = g.get("session")
    return {
        "visitor": g.get("visitor"),
        "csrf": session.token if session else "",
        "nav": NAV,
        "theme": theme if theme in THEMES else "",
        "note": request.args.get("note", ""),
    }


def wants_page() -> bool:
    """Whether an error is to be told to a person."""
    html, program = request.accept_mimetypes["text/html"], request.accept_mimetypes["application/json"]
    return html > program and not request.path.startswith("/api")


@pages.errorhandler(ApiError)
def page_of(error: ApiError) -> Response:
    name = NAMES.get(error.status, NAMES[400 if error.status < 500 else 500])
    message = error.message or MESSAGES.get(error.status, "")
    text = render_template("error.html", status=error.status, name=name, message=message, request_id=request_id())
    response = make_response(text, error.status)
    response.headers.extend(error.headers)
    add_headers(response)
    return response


@pages.errorhandler(HTTPException)
def error_page(error: HTTPException) -> Response:
    """What the framework refuses, as a page."""
    status = error.code or 500
    headers = {name: value for name, value in error.get_headers() if name in PASSED_ON}
    return page_of(ApiError(status, MESSAGES.get(status) or error.description or "", headers=headers))


def unavailable(error: Exception) -> Response:
    """The database is away: told in the log, as for the API."""
    responses.unavailable(error)
    return page_of(ApiError(503, MESSAGES[503], headers={"Retry-After": responses.RETRY_AFTER_S}))


@pages.errorhandler(Exception)
def unexpected(error: Exception) -> Response:
    """A mistake of ours: told in the log, as for the API."""
    responses.unexpected(error)
    return page_of(ApiError(500, MESSAGES[500]))


for kind in Unreachable:
    pages.register_error_handler(kind, unavailable)
