"""Alert rules in a file: the fields of each by its name. Secret addresses are exported as the server shows them."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from typing import Any

from booper_client import ApiError, Client
from booper_client.cli.files.kinds.kind import Declarations, Kind, Named, Reference, Verdict, by_name
from booper_client.models.alerts import Alert

NOT_DECLARED = ("id", "name", "muted_until", "inserted_at")
ANY_SCOPE = {"account": True}


class Alerts(Kind):
    name = "alerts"
    noun = "alert rule"

    def verdicts(
        self, client: Client, declared: Declarations, new: Mapping[str, Collection[str]]
    ) -> list[Verdict | ApiError]:
        verdicts = super().verdicts(client, declared, new)
        return [
            self._of_new_schedule(each, fields) if self._is_new(fields, new) and isinstance(each, Verdict) else each
            for each, fields in zip(verdicts, declared[self.name].values(), strict=True)
        ]

    def _of_new_schedule(self, verdict: Verdict, fields: dict[str, Any]) -> Verdict:
        """A rule for a schedule that is still to be made can't be as it is declared."""
        change = "change" if verdict.change == "none" else verdict.change
        return replace(verdict, change=change, after={**verdict.after, "scope": fields["scope"]})

    def checked(self, name: str, fields: dict[str, Any], new: Mapping[str, Collection[str]]) -> dict[str, Any]:
        """A schedule that the file makes is left out: the server would miss it."""
        return super().checked(name, fields | {"scope": ANY_SCOPE} if self._is_new(fields, new) else fields, new)

    def _is_new(self, fields: Mapping[str, Any], new: Mapping[str, Collection[str]]) -> bool:
        return any(each.name in new.get(each.kind, ()) for each in self.references(fields))

    def references(self, fields: Mapping[str, Any]) -> Iterator[Reference]:
        scope = fields.get("scope")
        if isinstance(scope, dict) and len(scope) == 1 and isinstance(key := scope.get("schedule"), str):
            yield Reference("schedules", key, "scope.schedule")

    def there(self, client: Client) -> dict[str, str | None]:
        return by_name(self.rows(client))

    def rows(self, client: Client) -> list[tuple[str, str | None]]:
        return [(each.name, each.id) for each in client.alerts.list()]

    def put(self, client: Client, name: str, fields: dict[str, Any], verdict: Verdict) -> None:
        """What the file leaves out gets its default, which `after` has."""
        id = verdict.id or self.made(client, name, lambda: client.alerts.create(name, unique=True, **fields))
        if id is not None:
            client.alerts.change(id, **{**verdict.after, **fields})

    def delete(self, client: Client, name: str, id: str | None) -> None:
        client.alerts.delete(id or name)

    def exported(self, client: Client) -> tuple[Named, int]:
        alerts = client.alerts.list()
        scoped = any("schedule" in each.scope for each in alerts)
        keys = {each.id: each.key for each in client.schedules.list(expand="key") if each.key} if scoped else {}
        fields = by_name([(each.name, _fields(each, keys)) for each in alerts])
        return fields, len(alerts) - len(fields)


def _fields(alert: Alert, keys: Mapping[str, str]) -> dict[str, Any]:
    """Its fields; a schedule by its key, which stays the same on another server."""
    fields = {name: value for name, value in alert.raw.items() if name not in NOT_DECLARED and value is not None}
    if schedule := alert.scope.get("schedule"):
        fields["scope"] = {"schedule": keys.get(schedule, schedule)}
    return fields
