"""Reads what accounts have set for requests sent on their behalf: signing keys, endpoints of events, channels,
targets of alerts.

`of_accounts` reads all of it for a set of accounts in one statement. Changes belong to
`models/webhooks/signing_keys.py`, `models/webhooks/endpoints.py` and `models/webhooks/channels.py`. No repr shows a
secret.
"""

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Any

from models.database.sql import any_of, fetch


@dataclass(frozen=True, slots=True)
class DeliveryConfig:
    """What one account has set. `keys`: (secret, ends_at or None), oldest first; `endpoints`: (id, url, types or
    None for all), the enabled ones; `channels`: URL by name; `targets` of alerts: URL and secret by id."""

    keys: tuple[tuple[str, int | None], ...] = field(default=(), repr=False)
    endpoints: tuple[tuple[int, str, frozenset[str] | None], ...] = ()
    channels: dict[str, str] = field(default_factory=dict, repr=False)
    targets: dict[int, tuple[str, str | None]] = field(default_factory=dict, repr=False)

    def secrets_at(self, instant: int) -> list[str]:
        """The secrets that sign an attempt begun at this instant."""
        return [secret for secret, ends_at in self.keys if ends_at is None or ends_at > instant]

    def subscribers_of(self, event_type: str) -> dict[str, int]:
        """The endpoints that get events of this type: their ids by URL."""
        ids: dict[str, int] = {}
        for key, url, types in self.endpoints:
            if types is None or event_type in types:
                ids.setdefault(url, key)
        return ids

    def url_of(self, endpoint_id: int) -> str | None:
        """The present URL of an enabled endpoint."""
        return next((url for key, url, _ in self.endpoints if key == endpoint_id), None)


NONE = DeliveryConfig()


def of_accounts(account_ids: Collection[int]) -> dict[int, DeliveryConfig]:
    """What each of the accounts has set; accounts that have set nothing are left out."""
    of_these, ids = any_of("account_id", list(account_ids))
    rows = fetch(
        f"SELECT 'key', account_id, id, secret, NULL, ends_at FROM signing_key WHERE {of_these} UNION ALL "
        f"SELECT 'endpoint', account_id, id, url, types, NULL FROM endpoint WHERE {of_these} AND enabled = 1 UNION ALL "
        f"SELECT 'channel', account_id, id, name, url, NULL FROM channel WHERE {of_these} UNION ALL "
        f"SELECT 'target', account_id, id, url, secret, NULL FROM alert_target WHERE {of_these}",
        (ids, ids, ids, ids),
    )
    by_account: dict[int, list[Sequence[Any]]] = {}
    for row in sorted(rows, key=lambda row: row[2]):
        by_account.setdefault(row[1], []).append(row)
    return {account_id: _delivery_config(settings) for account_id, settings in by_account.items()}


def _delivery_config(rows: Sequence[Sequence[Any]]) -> DeliveryConfig:
    keys = [(first, ends_at) for kind, _, _, first, _, ends_at in rows if kind == "key"]
    endpoints = [(key, first, second) for kind, _, key, first, second, _ in rows if kind == "endpoint"]
    channels = {first: second for kind, _, _, first, second, _ in rows if kind == "channel"}
    types = [(key, url, frozenset(json.loads(listed)) if listed else None) for key, url, listed in endpoints]
    targets = {key: (first, second) for kind, _, key, first, second, _ in rows if kind == "target"}
    return DeliveryConfig(tuple(keys), tuple(types), channels, targets)
