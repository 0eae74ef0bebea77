"""`client.flows`, `client.lanes` and `client.hosts`: what holds jobs back."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any, Generic, Literal, TypeVar

from booper_client._async.sender import Sender
from booper_client.fields import Moment, Span
from booper_client.models.flow_control import Flow, Gate, Host, Lane
from booper_client.requests_out import Request, part, post

G = TypeVar("G", bound=Gate)


class Gates(Generic[G]):
    """What flows, lanes and hosts have in common."""

    def __init__(self, sender: Sender, model: type[G], path: str) -> None:
        self._sender = sender
        self._model = model
        self._path = path

    def list(self, *, text: str | None = None, order_by: str | None = None) -> AsyncIterator[G]:
        """`text`: what the key contains."""
        return self._sender.every(self._model, self._path, {"text": text, "order_by": order_by})

    async def get(self, key: str | G) -> G:
        return await self._sender.fetch(self._model, Request("GET", f"{self._path}/{part(key)}"))

    async def pause(self, key: str | G, *, until: Moment | None = None, reason: str | None = None) -> G:
        """Let none of its jobs begin."""
        return await self._sender.fetch(self._model, post(f"{self._path}/{part(key)}/pause", _pause(until, reason)))

    async def resume(self, key: str | G) -> G:
        return await self._sender.fetch(self._model, post(f"{self._path}/{part(key)}/resume"))


class Flows(Gates[Flow]):
    """Limits of how fast jobs go and how many go at once."""

    def __init__(self, sender: Sender) -> None:
        super().__init__(sender, Flow, "/flows")

    async def put(
        self, key: str | Flow, *, rate: int | None = None, per: Span | None = None, concurrency: int | None = None
    ) -> Flow:
        """Set its limits for good."""
        body = {"rate": rate, "per": per, "concurrency": concurrency}
        return await self._sender.fetch(Flow, Request("PUT", f"/flows/{part(key)}", body=body))

    async def unpin(self, key: str | Flow) -> Flow:
        """Take its limits away; orders may set them again."""
        return await self._sender.fetch(Flow, Request("DELETE", f"/flows/{part(key)}"))

    async def reset(self, key: str | Flow) -> Flow:
        """Forget the starts that its rate has counted."""
        return await self._sender.fetch(Flow, post(f"/flows/{part(key)}/reset"))


class Lanes(Gates[Lane]):
    """Jobs that go one after another."""

    def __init__(self, sender: Sender) -> None:
        super().__init__(sender, Lane, "/lanes")

    async def change(self, key: str | Lane, *, on_failure: Literal["go_on", "stop"]) -> Lane:
        """Say whether it stops at a discarded job."""
        return await self._sender.fetch(Lane, Request("PATCH", f"/lanes/{part(key)}", body={"on_failure": on_failure}))


class Hosts(Gates[Host]):
    """Hosts of targets."""

    def __init__(self, sender: Sender) -> None:
        super().__init__(sender, Host, "/hosts")


def _pause(until: Moment | None, reason: str | None) -> dict[str, Any]:
    return {"until": until, "reason": reason}
