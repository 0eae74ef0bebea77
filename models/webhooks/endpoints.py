"""Makes, finds, changes, and deletes endpoints, the addresses that get the events of all jobs of an account.

Every query names the account.
"""

from typing import Any

from models.accounts import account_store
from models.database.transactions import transaction
from models.webhooks.webhook_tables import Endpoint

MAX_ENDPOINTS = 20  # of an account: each event of each job is a job for each of them


def create(account_id: int, url: str, types: str | None, enabled: bool, now: int) -> Endpoint | None:
    """A new endpoint; None when the account has MAX_ENDPOINTS already. `types`: JSON list, or None for all."""
    with transaction():
        account_store.lock(account_id)
        if _of(account_id).count() >= MAX_ENDPOINTS:
            return None
        return Endpoint.create(account_id=account_id, url=url, types=types, enabled=int(enabled), created_at=now)


def listed(account_id: int) -> list[Endpoint]:
    """Every endpoint of the account, oldest first."""
    return list(_of(account_id).order_by(Endpoint.id))


def find(account_id: int, uuid: str) -> Endpoint | None:
    return _of(account_id).where(Endpoint.uuid == uuid).get_or_none()


def change(account_id: int, uuid: str, values: dict[str, Any]) -> Endpoint | None:
    """Set some columns; None when the account has no such endpoint."""
    if values:
        with transaction():
            Endpoint.update(values).where(Endpoint.account_id == account_id, Endpoint.uuid == uuid).execute()
    return find(account_id, uuid)


def delete(account_id: int, uuid: str) -> bool:
    with transaction():
        return bool(Endpoint.delete().where(Endpoint.account_id == account_id, Endpoint.uuid == uuid).execute())


def _of(account_id: int) -> Any:
    return Endpoint.select().where(Endpoint.account_id == account_id)
