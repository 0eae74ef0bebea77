"""Makes, finds, changes, and deletes endpoints, the addresses that get the events of all jobs of an account.

Every query of an owner names the account. What waits for an endpoint that is changed or deleted follows it: those calls
belong to `models/operations/address_changes.py`. A deleted endpoint's row stays until nothing waits for it any more.
"""

from collections.abc import Sequence
from typing import Any

from models.accounts import account_store
from models.database.transactions import transaction
from models.webhooks.webhook_tables import Endpoint

MAX_ENDPOINTS = 20  # of an account: each event of each job is a job for each of them


class NotUnique(Exception):
    """The account has an endpoint with this URL."""


def create(
    account_id: int, url: str, types: str | None, enabled: bool, now: int, unique: bool = False
) -> Endpoint | None:
    """A new endpoint; None when the account has MAX_ENDPOINTS already. `types`: JSON list, or None for all. `unique`:
    raise NotUnique where there is one with this URL."""
    with transaction():
        account_store.lock(account_id)
        if unique and _of(account_id).where(Endpoint.url == url).exists():
            raise NotUnique
        if total(account_id) >= MAX_ENDPOINTS:
            return None
        return Endpoint.create(account_id=account_id, url=url, types=types, enabled=int(enabled), created_at=now)


def total(account_id: int) -> int:
    """How many the account has."""
    return int(_of(account_id).count())


def listed(account_id: int) -> list[Endpoint]:
    """Every endpoint of the account, oldest first."""
    return list(_of(account_id).order_by(Endpoint.id))


def find(account_id: int, uuid: str) -> Endpoint | None:
    return _of(account_id).where(Endpoint.uuid == uuid).get_or_none()


def change(account_id: int, uuid: str, values: dict[str, Any], now: int) -> Endpoint | None:
    """Set some columns; None when the account has no such endpoint."""
    if values:
        moved = {"unsettled_at": now} if values.keys() & {"url", "enabled"} else {}
        with transaction():
            Endpoint.update(values | moved).where(*_is(account_id, uuid)).execute()
    return find(account_id, uuid)


def delete(account_id: int, uuid: str, now: int) -> Endpoint | None:
    """The endpoint that is gone for its owner from now on; None when the account has no such endpoint."""
    with transaction():
        endpoint = find(account_id, uuid)
        gone = {"enabled": 0, "deleted_at": now, "unsettled_at": now}
        if not Endpoint.update(gone).where(*_is(account_id, uuid)).execute():
            return None
        return endpoint


def unsettled(limit: int) -> list[Endpoint]:
    """Endpoints of all accounts that changed, so that waiting events follow; disabled ones stay among them."""
    rows = Endpoint.select().where(Endpoint.unsettled_at.is_null(False)).order_by(Endpoint.unsettled_at.desc())
    return list(rows.limit(limit))


def settle(endpoint_ids: Sequence[int]) -> None:
    """Note that nothing is left to follow these endpoints; the rows of deleted ones go."""
    with transaction():
        these = Endpoint.id.in_(list(endpoint_ids))
        Endpoint.delete().where(these, Endpoint.deleted_at.is_null(False)).execute()
        Endpoint.update(unsettled_at=None).where(these, Endpoint.enabled == 1).execute()


def _is(account_id: int, uuid: str) -> tuple[Any, ...]:
    return Endpoint.account_id == account_id, Endpoint.uuid == uuid, Endpoint.deleted_at.is_null()


def _of(account_id: int) -> Any:
    return Endpoint.select().where(Endpoint.account_id == account_id, Endpoint.deleted_at.is_null())
