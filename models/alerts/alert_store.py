"""Makes, finds, changes, and deletes alert rules. Every query names the account.

A rule that changes what it looks for begins anew: its open incidents close, and nobody is notified of that.
"""

import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from models.accounts import account_store
from models.alerts.alert_tables import Alert, Incident, IncidentSubject
from models.alerts.change_counts import CLOSED, count
from models.alerts.conditions import Options, options_of, options_text
from models.alerts.exclusive import wait_until_alone
from models.alerts.ways import Target
from models.database.transactions import transaction
from models.webhooks.webhook_tables import AlertTarget

MAX_ALERTS = 100  # of an account: each event of a schedule is held against all of them
MAX_TARGETS = 10  # of a rule


class AlertRow(NamedTuple):
    """A rule with its targets, as its owner may see it; see models/alerts/alert_tables.py for each column."""

    id: int
    uuid: str
    name: str
    types: tuple[str, ...]
    scope: tuple[str, str]
    options: Options
    enabled: bool
    muted_until: int | None
    targets: tuple[Target, ...]
    created_at: int


class TooMany(Exception):
    """The account has as many rules as it may have."""


class NotUnique(Exception):
    """The account has a rule of this name."""


def create(account_id: int, values: dict[str, Any], now: int, unique: bool = False) -> AlertRow:
    """A new rule. `values`: the fields of AlertRow that a client sets. `unique`: raise NotUnique where there is one of
    this name. Raises TooMany."""
    with transaction():
        account_store.lock(account_id)
        these = (Alert.account_id == account_id, Alert.name == values["name"])
        if unique and Alert.select().where(*these).exists():
            raise NotUnique
        if total(account_id) >= MAX_ALERTS:
            raise TooMany
        row = Alert.create(account_id=account_id, created_at=now, changed_at=now, **_columns(values))
        _set_targets(row, values["targets"])
        return _alert(row, _stored(row.id))


def total(account_id: int) -> int:
    """How many the account has."""
    return int(Alert.select().where(Alert.account_id == account_id).count())


def listed(account_id: int) -> list[AlertRow]:
    """Every rule of the account, oldest first."""
    targets = defaultdict(list)
    for each in AlertTarget.select().where(AlertTarget.account_id == account_id).order_by(AlertTarget.id):
        targets[each.alert_id].append(each)
    rows = Alert.select().where(Alert.account_id == account_id).order_by(Alert.id)
    return [_alert(row, targets[row.id]) for row in rows]


def find(account_id: int, uuid: str) -> AlertRow | None:
    """The account's rule of this id."""
    row = _row(account_id, uuid)
    return _alert(row, _stored(row.id)) if row else None


def change(account_id: int, uuid: str, values: dict[str, Any], now: int) -> AlertRow | None:
    """Set some fields of a rule; None when the account has no such rule."""
    with transaction():
        wait_until_alone()
        row = _row(account_id, uuid)
        if row is None:
            return None
        before = _alert(row, _stored(row.id))
        if values:
            Alert.update(changed_at=now, **_columns(values)).where(Alert.id == row.id).execute()
            if "targets" in values:
                _set_targets(row, values["targets"])
        after = find(account_id, uuid)
        if values.get("muted_until", now) is None:
            _send_what_waits(row.id, now)
        if after and _looks(before) != _looks(after):
            close_incidents(row.id, now)
        return after


def delete(account_id: int, uuid: str, now: int) -> bool:
    """Delete a rule and close its incidents, which stay to be read; False when the account has no such rule."""
    with transaction():
        wait_until_alone()
        row = _row(account_id, uuid)
        if row is None:
            return False
        close_incidents(row.id, now)
        AlertTarget.delete().where(AlertTarget.alert_id == row.id).execute()
        return bool(Alert.delete().where(Alert.id == row.id).execute())


def close_incidents(alert_id: int, now: int) -> None:
    """Close the open incidents of a rule; nothing more is sent about any of them."""
    subjects = IncidentSubject.update(ended_at=now)
    subjects.where(IncidentSubject.alert_id == alert_id, IncidentSubject.ended_at.is_null()).execute()
    these = Incident.alert_id == alert_id
    closed = Incident.update(closed_at=now, closes_at=None).where(these, Incident.closed_at.is_null()).execute()
    count(CLOSED, closed)
    Incident.update(announce_at=None).where(these, Incident.announce_at.is_null(False)).execute()


def _send_what_waits(alert_id: int, now: int) -> None:
    """What was muted is due at once."""
    Incident.update(announce_at=now).where(Incident.alert_id == alert_id, untold()).execute()


def untold() -> Any:
    """The condition that the begin or the end of an incident is still to be sent; repeats keep their time."""
    return (Incident.announced.is_null() | Incident.closed_at.is_null(False)) & Incident.announce_at.is_null(False)


def _set_targets(row: Alert, targets: Sequence[Target]) -> None:
    """Give the rule exactly these targets. One that it has already stays, with the messages that wait for it."""
    stored = {Target(each.way, each.url, each.secret): each for each in _stored(row.id)}
    gone = [each.id for target, each in stored.items() if target not in targets]
    AlertTarget.delete().where(AlertTarget.id.in_(gone)).execute()
    for target in dict.fromkeys(targets):
        if target not in stored:
            AlertTarget.create(account_id=row.account_id, alert_id=row.id, **target._asdict())


def _looks(alert: AlertRow) -> tuple[Any, ...]:
    options = alert.options._replace(repeat_us=None, quiet=None)  # what only sending needs
    return set(alert.types), alert.scope, options, alert.enabled


def _columns(values: dict[str, Any]) -> dict[str, Any]:
    columns: dict[str, Any] = {name: values[name] for name in ("name", "muted_until") if name in values}
    if "enabled" in values:
        columns["enabled"] = int(values["enabled"])
    if "types" in values:
        columns["types"] = json.dumps(list(values["types"]))
    if "scope" in values:
        columns["scope_kind"], columns["scope_key"] = values["scope"]
    if "options" in values:
        columns["options"] = options_text(values["options"])
    return columns


def _row(account_id: int, uuid: str) -> Alert | None:
    row: Alert | None = Alert.get_or_none(Alert.account_id == account_id, Alert.uuid == uuid)
    return row


def _stored(alert_id: int) -> list[AlertTarget]:
    return list(AlertTarget.select().where(AlertTarget.alert_id == alert_id).order_by(AlertTarget.id))


def _alert(row: Alert, stored: Iterable[AlertTarget]) -> AlertRow:
    return AlertRow(
        id=row.id,
        uuid=str(row.uuid),
        name=row.name,
        types=tuple(json.loads(row.types)),
        scope=(row.scope_kind, row.scope_key),
        options=options_of(row.options),
        enabled=bool(row.enabled),
        muted_until=row.muted_until,
        targets=tuple(Target(each.way, each.url, each.secret) for each in stored),
        created_at=row.created_at,
    )
