"""Owns the cookie that keeps a browser signed in: what is in it, how it is signed, and the token of its forms.

The cookie holds a key's id, never the key: it is worthless without the key's row, which is asked at each request, so
whoever's key is revoked is signed out. It is signed with a secret that all API processes share. Signing out ends it for
all of them: its token is remembered as ended until the last cookie with it has grown too old. A browser that is not
signed in has a cookie too, without a key, so that the sign-in form has its token.
"""

import hmac
import secrets
from typing import Any, NamedTuple

from flask import Response, current_app, request
from itsdangerous import BadData, URLSafeTimedSerializer

from models.accounts import account_store, session_store
from models.accounts.account_tables import Account
from models.rules.clock import DAY, SECOND

COOKIE = "booper_session"
LASTS_S = 7 * 24 * 3600
MARGIN_US = DAY  # clocks of several machines may differ
KEPT = "booper_session_secret"


class Session(NamedTuple):
    """`key_id`: the UUID of the key that signed in, "" for nobody; `token`: what each form must send back."""

    key_id: str
    token: str


def fresh(key_id: str = "") -> Session:
    return Session(key_id, secrets.token_urlsafe(24))


def read() -> Session | None:
    """The session of this request; None without one, with one that is forged, too old, or signed out."""
    try:
        session = Session(*_signer().loads(request.cookies.get(COOKIE, ""), max_age=LASTS_S))
    except (BadData, TypeError):
        return None
    return None if session.key_id and session_store.has_ended(session.token) else session


def account_of(session: Session) -> Account | None:
    """Whose session it is; None when its key is revoked or it has been signed out."""
    return None if session_store.has_ended(session.token) else account_store.of_key(session.key_id)


def end(session: Session, now: int) -> None:
    """Let nobody in with it from now on, whoever has its cookie."""
    if session.key_id:
        session_store.end(session.token, now + LASTS_S * SECOND + MARGIN_US)


def write(response: Response, session: Session) -> None:
    """Have the browser keep the session. It is sent to this site alone, and only for what begins here."""
    value: Any = _signer().dumps(list(session))
    response.set_cookie(COOKIE, value, max_age=LASTS_S, httponly=True, samesite="Strict", secure=over_tls(), path="/")


def over_tls() -> bool:
    """Whether the browser came by https, to this server or to the proxy before it. A false claim harms who makes it."""
    return request.is_secure or request.headers.get("X-Forwarded-Proto", "").lower() == "https"


def token_matches(session: Session, given: str) -> bool:
    return hmac.compare_digest(session.token.encode(), given.encode("utf-8", "replace"))


def _signer() -> URLSafeTimedSerializer:
    kept = current_app.extensions
    if KEPT not in kept:
        kept[KEPT] = session_store.session_secret()
    return URLSafeTimedSerializer(kept[KEPT], salt="booper.session")
