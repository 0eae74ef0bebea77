"""Makes, finds, lists, and revokes accounts and API keys."""

from typing import Any, NamedTuple

from peewee import IntegrityError

from models.accounts import key_format
from models.accounts.account_tables import Account, ApiKey
from models.database.connection import database, dialect
from models.database.sql import fetch
from models.database.transactions import transaction

LISTED = 50
DEMO_ACCOUNT = "demo"
DEMO_KEY_NAME = "BOOPER_DEMO_KEY"  # marks the key that the setting made; no other key is touched
# Plain SQL: each request with a key that is not cached needs it, and the builder takes 140 us of CPU instead of 6.
OWNER = (
    "SELECT account.id, account.uuid, account.name FROM api_key JOIN account ON account.id = api_key.account_id "
    "WHERE api_key.sha256 = %s AND api_key.revoked_at IS NULL"
)
IS_LIVE = ApiKey.revoked_at.is_null()


class Owner(NamedTuple):
    """The account behind a key."""

    id: int
    uuid: str
    name: str


def account_named(name: str, now: int) -> Account:
    """The account called `name`, made if there is none. Two callers at once get the same one (unique name)."""
    with transaction():
        account = Account.get_or_none(Account.name == name)
        if account:
            return account
        try:
            with database.atomic():
                return Account.create(name=name, created_at=now)
        except IntegrityError:
            return Account.get(Account.name == name)


def lock(account_id: int) -> None:
    """Let nobody else count what the account has until this transaction ends. On SQLite the transaction itself is the
    lock."""
    if dialect() == "postgresql":
        Account.select(Account.id).where(Account.id == account_id).for_update().execute()


def create_key(account: Account, name: str, now: int) -> tuple[ApiKey, str]:
    """A new key of the account and its secret, which nobody can read again."""
    secret = key_format.new_key()
    return ApiKey.create(**_row(account, name, secret, now)), secret


def ensure_demo_key(secret: str, now: int) -> None:
    """Let `secret` act for the demo account, and revoke the demo keys of earlier settings. An empty secret revokes all.

    A secret that is another key already, live or revoked, stays as it is.
    """
    digest = key_format.digest(secret)
    is_demo = ApiKey.name == DEMO_KEY_NAME
    with transaction():
        ApiKey.update(revoked_at=now).where(is_demo, ApiKey.sha256 != digest, IS_LIVE).execute()
        if not secret or ApiKey.update(revoked_at=None).where(is_demo, ApiKey.sha256 == digest).execute():
            return
        row = _row(account_named(DEMO_ACCOUNT, now), DEMO_KEY_NAME, secret, now)
        ApiKey.insert(**row).on_conflict_ignore().execute()


def account_of(secret: str) -> Owner | None:
    """The owner of this key; None if unknown or revoked. The look-up by digest leaks no timing of the secret."""
    rows = fetch(OWNER, (key_format.digest(secret),))
    return Owner(rows[0][0], str(rows[0][1]), rows[0][2]) if rows else None


def of_key(key_id: str) -> Account | None:
    """The account whose live key has this id; None when the key was revoked or does not exist."""
    return Account.select().join(ApiKey).where(ApiKey.uuid == key_id, IS_LIVE).get_or_none()


def key_id_of(secret: str) -> str | None:
    """The id of the live key with this secret."""
    key = ApiKey.get_or_none(ApiKey.sha256 == key_format.digest(secret), IS_LIVE)
    return None if key is None else str(key.uuid)


def keys_of(account_id: int, before_id: int | None = None) -> tuple[list[ApiKey], int | None]:
    """A page of the account's keys, newest first, and before which id the next one begins; None: there is none."""
    mine = ApiKey.select().where(ApiKey.account == account_id).order_by(ApiKey.id.desc()).limit(LISTED + 1)
    keys = list(mine if before_id is None else mine.where(ApiKey.id < before_id))
    return keys[:LISTED], keys[LISTED - 1].id if len(keys) > LISTED else None


def revoke_key_of(account_id: int, key_id: str, now: int) -> bool:
    """Revoke a key of the account; False when the account has no such live key."""
    mine = (ApiKey.uuid == key_id, ApiKey.account == account_id, IS_LIVE)
    return bool(ApiKey.update(revoked_at=now).where(*mine).execute())


def list_keys() -> list[ApiKey]:
    """Every key of every account, oldest first."""
    return list(ApiKey.select(ApiKey, Account).join(Account).order_by(ApiKey.id))


def revoke_key(key_id: str, now: int) -> bool:
    """Revoke a key by its id; False when there is no such live key."""
    return bool(ApiKey.update(revoked_at=now).where(ApiKey.uuid == key_id, IS_LIVE).execute())


def _row(account: Account, name: str, secret: str, now: int) -> dict[str, Any]:
    shown = key_format.shown_as(secret)
    return {"account": account, "name": name, "sha256": key_format.digest(secret), "shown_as": shown, "created_at": now}
