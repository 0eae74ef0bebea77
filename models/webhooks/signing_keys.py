"""Owns what happens to signing keys: making, listing, retiring. At most two of an account live at once.

Safe against any number of requests at once: whoever makes one locks the account's row before counting.
"""

from models.accounts import account_store
from models.database.sql import execute, fetch
from models.database.transactions import transaction
from models.rules.clock import DAY
from models.rules.signatures import new_secret
from models.webhooks.webhook_tables import SigningKey

MOST_LIVE = 2
MOST_ENDED = 50  # of an account: all are read whenever something is sent for it
LONGEST_AFTER_US = 366 * DAY
IS_LIVE = "(ends_at IS NULL OR ends_at > %s)"


def create(account_id: int, secret: str | None, now: int) -> SigningKey | None:
    """A key of the account with this secret or a fresh one; None when two live already."""
    with transaction():
        account_store.lock(account_id)
        count = f"SELECT count(*) FROM signing_key WHERE account_id = %s AND {IS_LIVE}"
        if fetch(count, (account_id, now))[0][0] >= MOST_LIVE:
            return None
        _forget_old(account_id, now)
        return SigningKey.create(account_id=account_id, secret=secret or new_secret(), created_at=now)


def listed(account_id: int) -> list[SigningKey]:
    """Every key of the account, oldest first, the last that have ended too; their secrets are not to be shown."""
    return list(SigningKey.select().where(SigningKey.account_id == account_id).order_by(SigningKey.id))


def retire(account_id: int, uuid: str, ends_at: int, now: int) -> SigningKey | None:
    """Let a key end at an instant, or sooner if it was to; None when the account has no such key."""
    with transaction():
        execute(
            f"UPDATE signing_key SET ends_at = %s WHERE account_id = %s AND uuid = %s AND {IS_LIVE} "
            "AND (ends_at IS NULL OR ends_at > %s)",
            (ends_at, account_id, uuid, now, ends_at),
        )
    return SigningKey.get_or_none(SigningKey.account_id == account_id, SigningKey.uuid == uuid)


def _forget_old(account_id: int, now: int) -> None:
    """Of the keys that have ended, keep the last ones."""
    ended = "SELECT id FROM signing_key WHERE account_id = %s AND ends_at <= %s ORDER BY ends_at DESC, id DESC"
    execute(
        f"DELETE FROM signing_key WHERE id IN ({ended} LIMIT {MOST_ENDED} OFFSET {MOST_ENDED})",
        (account_id, now),
    )
