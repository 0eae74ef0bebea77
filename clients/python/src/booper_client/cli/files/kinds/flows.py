"""Flows in a file: pinned limits by key. A flow whose limits come from orders is no matter of a file."""

from typing import Any

from booper_client import Client
from booper_client.cli.files.kinds.kind import Kind, Named, Verdict
from booper_client.models.flow_control import Flow


class Flows(Kind):
    name = "flows"
    noun = "flow"
    why_left_out = "have a slash in their keys"

    def there(self, client: Client) -> dict[str, str | None]:
        return {each.key: None for each in self._pinned(client) if "/" not in each.key}

    def put(self, client: Client, name: str, fields: dict[str, Any], _: Verdict) -> None:
        client.flows.put(name, **fields)

    def delete(self, client: Client, name: str, id: str | None) -> None:  # noqa: ARG002 - flows have no ids
        client.flows.unpin(name)

    def exported(self, client: Client) -> tuple[Named, int]:
        pinned = self._pinned(client)
        flows = {each.key: _fields(each) for each in pinned if "/" not in each.key}
        return flows, len(pinned) - len(flows)

    def _pinned(self, client: Client) -> list[Flow]:
        return [each for each in client.flows.list() if each.pinned]


def _fields(flow: Flow) -> dict[str, Any]:
    per = flow.per_seconds
    whole = int(per) if per is not None and per.is_integer() else per
    members = {"rate": flow.rate, "per": whole, "concurrency": flow.concurrency}
    return {name: value for name, value in members.items() if value is not None}
