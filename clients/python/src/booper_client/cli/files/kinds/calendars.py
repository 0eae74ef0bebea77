"""Calendars in a file: `days` by name."""

from typing import Any

from booper_client import Client
from booper_client.cli.files.kinds.kind import Kind, Named, Verdict


class Calendars(Kind):
    name = "calendars"
    noun = "calendar"

    def there(self, client: Client) -> dict[str, str | None]:
        return {each.name: None for each in client.calendars.list()}

    def put(self, client: Client, name: str, fields: dict[str, Any], _: Verdict) -> None:
        client.calendars.put(name, fields["days"])

    def delete(self, client: Client, name: str, id: str | None) -> None:  # noqa: ARG002 - calendars have no ids
        client.calendars.delete(name)

    def exported(self, client: Client) -> tuple[Named, int]:
        return {name: {"days": client.calendars.get(name).days} for name in self.there(client)}, 0
