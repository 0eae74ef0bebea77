"""Owns what an account has set for what goes out on its behalf: signing keys, endpoints of events, channels.

The tables, and the one question of those who send: all of it for a set of accounts, in one statement. Making and
changing is that of `models/webhooks/signing_keys.py`, `models/webhooks/endpoints.py` and `models/webhooks/channels.py`.
Secrets are kept as they are, since a signature needs them; nothing here shows one in its repr.
"""

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Any

from models.database.sql import any_of, fetch


@dataclass(frozen=True, slots=True)
class DeliveryConfig:
    """What one account has set. `keys`: (secret, ends_at or None), oldest first; `endpoints`: (url, types or None for
    all), enabled ones alone; `channels`: URL by name."""

    keys: tuple[tuple[str, int | None], ...] = field(default=(), repr=False)
    endpoints: tuple[tuple[str, frozenset[str] | None], ...] = ()
    channels: dict[str, str] = field(default_factory=dict, repr=False)

    def secrets_at(self, instant: int) -> list[str]:
        """The secrets that sign an attempt begun at this instant."""
        return [secret for secret, ends_at in self.keys if ends_at is None or ends_at > instant]

    def takers_of(self, event_type: str) -> list[str]:
        """The URLs of the endpoints that take events of this type."""
        return [url for url, types in self.endpoints if types is None or event_type in types]


NONE = DeliveryConfig()


def of_accounts(account_ids: Collection[int]) -> dict[int, DeliveryConfig]:
    """What each of the accounts has set; those that have set nothing are left out."""
    these, given = any_of("account_id", list(account_ids))
    rows = fetch(
        f"SELECT 'key', account_id, id, secret, NULL, ends_at FROM signing_key WHERE {these} UNION ALL "
        f"SELECT 'endpoint', account_id, id, url, types, NULL FROM endpoint WHERE {these} AND enabled = 1 UNION ALL "
        f"SELECT 'channel', account_id, id, name, url, NULL FROM channel WHERE {these}",
        (given, given, given),
    )
    found: dict[int, list[Sequence[Any]]] = {}
    for row in sorted(rows, key=lambda row: row[2]):
        found.setdefault(row[1], []).append(row)
    return {account_id: _delivery_config(theirs) for account_id, theirs in found.items()}


def _delivery_config(rows: Sequence[Sequence[Any]]) -> DeliveryConfig:
    keys = [(first, ends_at) for kind, _, _, first, _, ends_at in rows if kind == "key"]
    endpoints = [(first, second) for kind, _, _, first, second, _ in rows if kind == "endpoint"]
    channels = {first: second for kind, _, _, first, second, _ in rows if kind == "channel"}
    types = [(url, frozenset(json.loads(listed)) if listed else None) for url, listed in endpoints]
    return DeliveryConfig(tuple(keys), tuple(types), channels)
