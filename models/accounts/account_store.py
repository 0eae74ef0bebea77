"""Owns what happens to accounts and API keys: making, finding, listing, revoking."""

from typing import Any, NamedTuple

from peewee import IntegrityError

from models.accounts import key_format
from models.accounts.account_tables import Account, ApiKey
from models.database.connection import database, dialect
from models.database.sql import fetch
from models.database.transactions import transaction

MOST_LISTED = 500
DEMO_ACCOUNT = "demo"
DEMO_KEY_NAME = "BOOPER_DEMO_KEY"  # marks the key that the setting made; no other is touched
OWNER = (
    "SELECT account.id, account.uuid, account.name FROM api_key JOIN account ON account.id = api_key.account_id "
    "WHERE api_key.sha256 = %s AND api_key.revoked_at IS NULL"
)


class Owner(NamedTuple):
    """The account behind a key."""

    id: int
    uuid: str
    name: str


def account_named(name: str, now: int) -> Account:
    """The account called `name`, made if there is none. Two callers at once get the same one (unique name)."""
    with transaction():
        found = Account.get_or_none(Account.name == name)
        if found:
            return found
        try:
            with database.atomic():
                return Account.create(name=name, created_at=now)
        except IntegrityError:
            return Account.get(Account.name == name)


def lock(account_id: int) -> None:
    """Let nobody else count what the account has until this transaction ends. On SQLite the transaction itself is the
    lock."""
    if dialect() == "postgresql":
        fetch("SELECT id FROM account WHERE id = %s FOR UPDATE", (account_id,))


def create_key(account: Account, name: str, now: int) -> tuple[ApiKey, str]:
    """A new key of the account and its secret, which can't be had again."""
    secret = key_format.new_key()
    return ApiKey.create(**_row(account, name, secret, now)), secret


def ensure_demo_key(secret: str, now: int) -> None:
    """Let `secret` act for the demo account, and no demo key of an earlier setting. Empty: none at all.

    A secret that is another key already, living or revoked, is left as it is.
    """
    wanted = key_format.digest(secret)
    demo = ApiKey.name == DEMO_KEY_NAME
    with transaction():
        ApiKey.update(revoked_at=now).where(demo, ApiKey.sha256 != wanted, ApiKey.revoked_at.is_null()).execute()
        if not secret or ApiKey.update(revoked_at=None).where(demo, ApiKey.sha256 == wanted).execute():
            return
        row = _row(account_named(DEMO_ACCOUNT, now), DEMO_KEY_NAME, secret, now)
        ApiKey.insert(**row).on_conflict_ignore().execute()


def account_of(secret: str) -> Owner | None:
    """Whose key this is; None for an unknown or revoked one. The look-up by digest leaks no timing of the secret."""
    found = fetch(OWNER, (key_format.digest(secret),))
    return Owner(found[0][0], str(found[0][1]), found[0][2]) if found else None


def of_key(key_id: str) -> Account | None:
    """Whose living key has this id; None when it was revoked or never was."""
    return Account.select().join(ApiKey).where(ApiKey.uuid == key_id, ApiKey.revoked_at.is_null()).get_or_none()


def key_id_of(secret: str) -> str | None:
    """The id of the living key with this secret."""
    found = ApiKey.get_or_none(ApiKey.sha256 == key_format.digest(secret), ApiKey.revoked_at.is_null())
    return None if found is None else str(found.uuid)


def keys_of(account_id: int) -> list[ApiKey]:
    """The account's keys, newest first."""
    return list(ApiKey.select().where(ApiKey.account == account_id).order_by(ApiKey.id.desc()).limit(MOST_LISTED))


def revoke_key_of(account_id: int, key_id: str, now: int) -> bool:
    """Stop a key of the account; False when it has no such living key."""
    this = (ApiKey.uuid == key_id, ApiKey.account == account_id, ApiKey.revoked_at.is_null())
    return bool(ApiKey.update(revoked_at=now).where(*this).execute())


def list_keys() -> list[ApiKey]:
    """Every key of every account, oldest first."""
    return list(ApiKey.select(ApiKey, Account).join(Account).order_by(ApiKey.id))


def revoke_key(key_id: str, now: int) -> bool:
    """Stop a key by its id; False when there is no such living key."""
    return bool(ApiKey.update(revoked_at=now).where(ApiKey.uuid == key_id, ApiKey.revoked_at.is_null()).execute())


def _row(account: Account, name: str, secret: str, now: int) -> dict[str, Any]:
    shown = key_format.shown_as(secret)
    return {"account": account, "name": name, "sha256": key_format.digest(secret), "shown_as": shown, "created_at": now}
