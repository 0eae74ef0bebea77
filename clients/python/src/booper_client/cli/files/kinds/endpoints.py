"""Endpoints in a file: `types` and `enabled` by URL."""

from typing import Any

from booper_client import Client
from booper_client.cli.files.kinds.kind import Kind, Named, Verdict, by_name


class Endpoints(Kind):
    name = "endpoints"
    noun = "endpoint"
    why_left_out = "have the URL of another"

    def there(self, client: Client) -> dict[str, str | None]:
        return by_name(self.rows(client))

    def rows(self, client: Client) -> list[tuple[str, str | None]]:
        return [(each.url, each.id) for each in client.endpoints.list()]

    def put(self, client: Client, name: str, fields: dict[str, Any], verdict: Verdict) -> None:
        id = verdict.id or self.made(client, name, lambda: client.endpoints.create(name, unique=True, **fields))
        if id is not None:
            client.endpoints.change(id, **verdict.after)

    def delete(self, client: Client, name: str, id: str | None) -> None:
        client.endpoints.delete(id or name)

    def exported(self, client: Client) -> tuple[Named, int]:
        endpoints = client.endpoints.list()
        fields = by_name([(each.url, _fields(each.types, each.enabled)) for each in endpoints])
        return fields, len(endpoints) - len(fields)


def _fields(types: list[str] | None, enabled: bool) -> dict[str, Any]:
    return ({} if types is None else {"types": types}) | ({} if enabled else {"enabled": False})
