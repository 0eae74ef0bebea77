"""Keeps groups of targets: an order that names a group makes a job for each target.

Every query names the account.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from models.accounts import account_store
from models.accounts.account_tables import TargetGroup
from models.database.transactions import transaction

MAX_TARGETS = 100
MAX_GROUPS = 1000  # of an account
MAX_NAME_CHARS = 255  # of a job


class Target(NamedTuple):
    """Where one job of a group goes. `headers` win over those of the order."""

    name: str
    url: str
    headers: dict[str, str]

    def __repr__(self) -> str:
        return f"Target({self.name!r})"  # the rest may hold secrets


class Group(NamedTuple):
    """A group; see models/accounts/account_tables.py for each column."""

    name: str
    targets: list[Target]
    created_at: int
    changed_at: int


class TooMany(Exception):
    """The account has as many groups as it may have."""


def put(account_id: int, name: str, targets: Sequence[Target], now: int) -> tuple[Group, bool]:
    """Store the group of this name with exactly these targets; returns it and whether it is new. Raises TooMany."""
    text = json.dumps([target._asdict() for target in targets])
    with transaction():
        account_store.lock(account_id)
        row = _row(account_id, name)
        is_new = row is None
        if row is None:
            if total(account_id) >= MAX_GROUPS:
                raise TooMany
            row = TargetGroup(account_id=account_id, name=name, created_at=now)
        row.targets, row.changed_at = text, now
        row.save()
    return _group(row), is_new


def total(account_id: int) -> int:
    """How many the account has."""
    return int(TargetGroup.select().where(TargetGroup.account_id == account_id).count())


def find(account_id: int, name: str) -> Group | None:
    """The account's group of this name."""
    row = _row(account_id, name)
    return _group(row) if row else None


def listed(account_id: int) -> list[Group]:
    """The account's groups, by name."""
    rows = TargetGroup.select().where(TargetGroup.account_id == account_id).order_by(TargetGroup.name)
    return [_group(row) for row in rows]


def delete(account_id: int, name: str) -> bool:
    """Delete the group; False when there is none. Its jobs stay."""
    with transaction():
        these = (TargetGroup.account_id == account_id) & (TargetGroup.name == name)
        return bool(TargetGroup.delete().where(these).execute())


def fields_for(target: Target, ordered: Mapping[str, Any]) -> dict[str, Any]:
    """The fields in which the job of this target differs from the order."""
    name = f"{ordered['name']}: {target.name}" if ordered.get("name") else target.name
    own = {"url": target.url, "name": name[:MAX_NAME_CHARS]}
    return own | {"headers": _merged(ordered.get("headers"), target)} if target.headers else own


def _merged(headers: Mapping[str, Any] | None, target: Target) -> dict[str, Any]:
    """The headers of an order as this target gets them."""
    own = {name.lower() for name in target.headers}
    return {name: value for name, value in (headers or {}).items() if name.lower() not in own} | target.headers


def _row(account_id: int, name: str) -> TargetGroup | None:
    row: TargetGroup | None = TargetGroup.get_or_none(TargetGroup.account_id == account_id, TargetGroup.name == name)
    return row


def _group(row: TargetGroup) -> Group:
    targets = [Target(**target) for target in json.loads(row.targets)]
    return Group(row.name, targets, row.created_at, row.changed_at)
