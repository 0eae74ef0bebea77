"""Makes, lists, and retires signing keys. At most two keys of an account are live at once.

Safe against any number of requests at once: `create` locks the account's row before it counts.
"""

from typing import Any

from models.accounts import account_store
from models.database.transactions import transaction
from models.rules.clock import DAY
from models.rules.signatures import new_secret
from models.webhooks.webhook_tables import SigningKey

MAX_LIVE = 2
MAX_ENDED = 50  # of an account: all are read whenever something is sent for it
LONGEST_AFTER_US = 366 * DAY


def create(account_id: int, secret: str | None, now: int, name: str | None = None) -> SigningKey | None:
    """A key of the account with this secret or a fresh one; None when two are live already. `name`: for its owner."""
    with transaction():
        account_store.lock(account_id)
        if SigningKey.select().where(SigningKey.account_id == account_id, _is_live(now)).count() >= MAX_LIVE:
            return None
        _delete_old(account_id, now)
        return SigningKey.create(account_id=account_id, secret=secret or new_secret(), created_at=now, name=name)


def listed(account_id: int) -> list[SigningKey]:
    """Every key of the account, oldest first, the last that have ended too. Callers do not show the secrets."""
    return list(SigningKey.select().where(SigningKey.account_id == account_id).order_by(SigningKey.id))


def retire(account_id: int, uuid: str, ends_at: int, now: int) -> SigningKey | None:
    """Let a key end at an instant, unless it ends sooner already; None when the account has no such key."""
    mine = (SigningKey.account_id == account_id, SigningKey.uuid == uuid)
    ends_later = SigningKey.ends_at.is_null() | (SigningKey.ends_at > ends_at)
    with transaction():
        SigningKey.update(ends_at=ends_at).where(*mine, _is_live(now), ends_later).execute()
    return SigningKey.get_or_none(*mine)


def _is_live(now: int) -> Any:
    return SigningKey.ends_at.is_null() | (SigningKey.ends_at > now)


def _delete_old(account_id: int, now: int) -> None:
    """Of the keys that have ended, keep the last ones."""
    ended = SigningKey.select(SigningKey.id).where(SigningKey.account_id == account_id, SigningKey.ends_at <= now)
    newest_first = ended.order_by(SigningKey.ends_at.desc(), SigningKey.id.desc())
    surplus = newest_first.limit(MAX_ENDED).offset(MAX_ENDED)
    SigningKey.delete().where(SigningKey.id.in_(surplus)).execute()
