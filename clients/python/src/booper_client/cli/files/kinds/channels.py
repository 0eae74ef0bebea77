"""Channels in a file: `url` by name. An exported URL is without its secret, and is left as it is when it is applied."""

from typing import Any

from booper_client import Client
from booper_client.cli.files.kinds.kind import Kind, Named, Verdict


class Channels(Kind):
    name = "channels"
    noun = "channel"

    def there(self, client: Client) -> dict[str, str | None]:
        return {each.name: None for each in client.channels.list() if each.set}

    def put(self, client: Client, name: str, fields: dict[str, Any], _: Verdict) -> None:
        client.channels.put(name, fields["url"])

    def delete(self, client: Client, name: str, id: str | None) -> None:  # noqa: ARG002 - channels have no ids
        client.channels.delete(name)

    def exported(self, client: Client) -> tuple[Named, int]:
        shown = {each.name: f"https://{each.host}/[redacted]" for each in client.channels.list() if each.set}
        return {name: {"url": url} for name, url in shown.items()}, 0
