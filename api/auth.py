"""Checks the `Authorization` header: `require_key` runs before the views and names the account of the request."""

from flask import g, request

from api.context import context
from api.key_cache import Caller
from api.responses.responses import ApiError

SCHEMES = ("bearer", "token")
CHALLENGE = {"WWW-Authenticate": "Bearer"}


def require_key() -> None:
    """Let the request pass as the account of its key, or answer 401."""
    scheme, _, secret = request.headers.get("Authorization", "").partition(" ")
    if not scheme:
        raise _unauthenticated("no Authorization header")
    if scheme.lower() not in SCHEMES or not secret.strip():
        raise _unauthenticated("another form")
    caller = context().known_keys.caller_of(secret.strip())
    if caller is None:
        raise _unauthenticated("a key that is unknown or revoked")
    g.caller = caller


def caller() -> Caller:
    """The account of the request, which `require_key` has set."""
    account: Caller = g.caller
    return account


def _unauthenticated(got: str) -> ApiError:
    return ApiError(401, f"Authorization must be `Bearer sk_…` with a valid key, got {got}.", headers=CHALLENGE)
