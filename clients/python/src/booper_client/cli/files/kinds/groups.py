"""Groups of targets in a file: `targets` by name."""

from typing import Any

from booper_client import Client
from booper_client.cli.files.kinds.kind import Kind, Named, Verdict


class Groups(Kind):
    name = "groups"
    noun = "group"

    def there(self, client: Client) -> dict[str, str | None]:
        return {each.name: None for each in client.groups.list()}

    def put(self, client: Client, name: str, fields: dict[str, Any], _: Verdict) -> None:
        client.groups.put(name, fields["targets"])

    def delete(self, client: Client, name: str, id: str | None) -> None:  # noqa: ARG002 - groups have no ids
        client.groups.delete(name)

    def exported(self, client: Client) -> tuple[Named, int]:
        return {name: {"targets": self._targets(client, name)} for name in self.there(client)}, 0

    def _targets(self, client: Client, name: str) -> list[dict[str, Any]]:
        targets = client.groups.get(name).targets or []
        return [{key: value for key, value in target.raw.items() if value != {}} for target in targets]
