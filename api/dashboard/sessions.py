"""Reads and writes the cookie that keeps a browser signed in, and checks the token of its forms.

The cookie holds the id of a key, never the key. Each request reads the key's row, so revoking a key signs its browsers
out. The cookie is signed with a secret that all API processes share. Signing out ends a session in all of them: its
token is stored as ended until the last cookie with it has expired. A browser that is not signed in has a cookie without
a key, for the token of the sign-in form.
"""

import hmac
import secrets
from typing import Any, NamedTuple

from flask import Response, request
from itsdangerous import BadData, URLSafeTimedSerializer

from api.context import session_secret
from models.accounts import account_store, session_store
from models.accounts.account_tables import Account
from models.rules.clock import DAY, SECOND

COOKIE = "booper_session"
LASTS_S = 7 * 24 * 3600
MARGIN_US = DAY  # the clocks of several machines may differ


class Session(NamedTuple):
    """`key_id`: the UUID of the key that signed in, "" for nobody. `token`: what each form must send back."""

    key_id: str
    token: str


def fresh(key_id: str = "") -> Session:
    return Session(key_id, secrets.token_urlsafe(24))


def read() -> Session | None:
    """The session of this request; None when it is absent, forged, too old, or signed out."""
    try:
        session = Session(*_signer().loads(request.cookies.get(COOKIE, ""), max_age=LASTS_S))
    except (BadData, TypeError):
        return None
    return None if session.key_id and session_store.has_ended(session.token) else session


def account_of(session: Session) -> Account | None:
    """The account of a session; None when its key is revoked or it was signed out."""
    return None if session_store.has_ended(session.token) else account_store.of_key(session.key_id)


def end(session: Session, now: int) -> None:
    """Refuse each copy of the session's cookie from now on."""
    if session.key_id:
        session_store.end(session.token, now + LASTS_S * SECOND + MARGIN_US)


def write(response: Response, session: Session) -> None:
    """Store the session in the browser, which sends it only with requests that begin on this site."""
    value: Any = _signer().dumps(list(session))
    response.set_cookie(COOKIE, value, max_age=LASTS_S, httponly=True, samesite="Strict", secure=over_tls(), path="/")


def over_tls() -> bool:
    """Whether the browser came by https, to this server or to its proxy. A false header harms only its sender."""
    return request.is_secure or request.headers.get("X-Forwarded-Proto", "").lower() == "https"


def token_matches(session: Session, token: str) -> bool:
    return hmac.compare_digest(session.token.encode(), token.encode("utf-8", "replace"))


def _signer() -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(session_secret(), salt="booper.session")
