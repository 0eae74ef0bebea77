"""Signs visitors in with an API key, and out.

A valid key is always accepted: keys are too long to guess, and a lock would let a stranger keep the owner out. A wrong
key costs one look-up by digest at most; an address that sends many of them gets 429.
"""

import re
import threading
import time

from flask import Response, g, make_response, redirect, render_template, request

from api.context import context, settings
from api.dashboard import sessions
from api.dashboard.blueprint import pages, redirect_to
from api.responses.responses import ApiError
from models.accounts import account_store
from models.rules import clock
from runtime.settings import DEMO_KEY

FAILURES_ALLOWED = 10
WITHIN_S = 60
ADDRESSES_KEPT = 10_000

_LOCAL = re.compile(r"/(?![/\\])[\x21-\x5b\x5d-\x7e]*")


class Failures:
    """Counts failed sign-ins by address. A lock guards the counts."""

    def __init__(self) -> None:
        self._seen: dict[str, list[float]] = {}
        self._lock = threading.Lock()

    def too_many(self, address: str, now_s: float) -> bool:
        """Count one more, and say whether there were too many within the last minute."""
        with self._lock:
            if len(self._seen) >= ADDRESSES_KEPT:
                self._seen.clear()
            recent = [at for at in self._seen.get(address, []) if at > now_s - WITHIN_S][-FAILURES_ALLOWED:]
            self._seen[address] = [*recent, now_s]
            return len(recent) >= FAILURES_ALLOWED


failures = Failures()


@pages.get("/sign-in")
def sign_in() -> Response:
    """The form. Its token is in a cookie without a key."""
    return _form("", 200)


@pages.post("/sign-in")
def sign_in_with_key() -> Response:
    secret = request.form.get("key", "").strip()
    key_id = account_store.key_id_of(secret) if context().known_keys.caller_of(secret) else None
    if key_id is None:
        return _refused()
    if g.session:  # a copy of its cookie must not stay valid
        sessions.end(g.session, clock.now())
    response = make_response(redirect(local_path(request.form.get("next", ""), request.script_root), 303))
    sessions.write(response, sessions.fresh(key_id))
    return response


@pages.post("/sign-out")
def sign_out() -> Response:
    """End the session on the server, and delete its cookie."""
    sessions.end(g.session, clock.now())
    response = redirect_to("sign_in")
    response.delete_cookie(sessions.COOKIE, path="/", httponly=True, samesite="Strict", secure=sessions.over_tls())
    return response


def local_path(path: str, root: str) -> str:
    """The path to go to after signing in; the overview for an address that is not below `root`."""
    home = f"{root}/"
    return path if _LOCAL.fullmatch(path) and path.startswith(home) else home


def _refused() -> Response:
    if failures.too_many(request.remote_addr or "", time.monotonic()):
        raise ApiError(
            429,
            "Too many wrong keys came from your address. A valid key still works.",
            headers={"Retry-After": str(WITHIN_S)},
        )
    return _form(
        "This is not a valid key, or it was revoked. A key begins with sk_. It is shown once, at creation.",
        422,
    )


def _form(problem: str, status: int) -> Response:
    session = g.session or sessions.fresh()
    g.session = session
    next_path = local_path(request.values.get("next", ""), request.script_root)
    demo = DEMO_KEY if settings().demo_key == DEMO_KEY else ""  # another demo key is a secret of the operator
    response = make_response(render_template("sign_in.html", problem=problem, next=next_path, demo_key=demo), status)
    sessions.write(response, session)
    return response
