"""Keeps what all processes share about sessions of the dashboard: the secret that signs cookies, and sign-outs.

The secret also signs the addresses of acknowledgements and badges (`ack_tokens.py`, `badge_tokens.py`). It is no
setting, because a forgotten or copied setting would be worse than none. Whoever can read the database could read every
job anyway.

A cookie is valid by its signature. A session that was signed out needs a row, so that a copied cookie is worthless, and
only until the cookie expires. The row holds a digest: whoever reads the table learns no token.
"""

import hashlib
import secrets

from models.accounts.account_tables import EndedSession, SessionSecret
from models.database.transactions import transaction

SECRET_BYTES = 32
ONLY_ROW = 1


def session_secret() -> str:
    """The secret, made at the first call. Two processes that make it at once get the same one, by the row's key."""
    row = SessionSecret.get_or_none(SessionSecret.id == ONLY_ROW)
    if row is None:
        with transaction():
            made = secrets.token_urlsafe(SECRET_BYTES)
            SessionSecret.insert(id=ONLY_ROW, value=made).on_conflict_ignore().execute()
        row = SessionSecret.get_by_id(ONLY_ROW)
    value: str = row.value
    return value


def end(token: str, until: int) -> None:
    """Refuse the session with this token until its cookie has expired. May be called twice."""
    with transaction():
        row = EndedSession.insert(digest=_digest(token), forgotten_at=until)
        row.on_conflict(conflict_target=[EndedSession.digest], preserve=[EndedSession.forgotten_at]).execute()


def has_ended(token: str) -> bool:
    return EndedSession.select().where(EndedSession.digest == _digest(token)).exists()


def prune(limit: int, now: int) -> int:
    """Delete at most `limit` rows whose cookie has expired, the oldest first; returns how many."""
    expired = EndedSession.forgotten_at <= now
    oldest = EndedSession.select().where(expired).order_by(EndedSession.forgotten_at).limit(limit)
    digests = [row.digest for row in oldest]
    if not digests:
        return 0
    with transaction():
        # A session may have been ended anew since its row was read.
        return EndedSession.delete().where(EndedSession.digest.in_(digests), expired).execute()


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
