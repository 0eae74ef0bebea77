"""Alert rules in a file, by their names. Of two with the same name the older one counts.

Until when a rule is muted is nothing that a file declares, just as whether a schedule is disabled.
"""

from typing import Any

from api.auth import caller
from api.requests.alert_fields import NewAlert
from api.requests.reading.strict_schema import Strict
from api.routes.alerts.alert_rules import replacement, shape
from api.routes.declarations.declared import Declared, Kind, check_name
from models.alerts import alert_store
from models.alerts.alert_store import AlertRow

NOT_DECLARED = ("id", "name", "muted_until", "inserted_at")


class DeclaredAlert(NewAlert):
    """The fields beside the name."""

    class Meta(Strict.Meta):
        exclude = ("name", "muted_until", "unique")


alert_fields = DeclaredAlert()
name_field = NewAlert().fields["name"]


def _declared(alert: AlertRow) -> Declared:
    meaning = (frozenset(alert.types), alert.scope, alert.options, alert.enabled, frozenset(alert.targets))
    fields = {name: value for name, value in shape(alert).items() if name not in NOT_DECLARED}
    return Declared(meaning, fields, alert.uuid or None)


def _find(name: str) -> AlertRow | None:
    return next((each for each in alert_store.listed(caller().account_id) if each.name == name), None)


def present(name: str) -> Declared | None:
    alert = _find(name)
    return _declared(alert) if alert else None


def read(name: str, sent: dict[str, Any], _: Declared | None) -> Declared:
    check_name(name_field, name)
    return _declared(replacement(name, alert_fields.load(sent), _find(name)))


KIND = Kind(present, read)
