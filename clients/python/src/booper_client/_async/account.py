"""What else an account has: failures, operations, log entries, endpoints, signing keys, groups of targets."""

from __future__ import annotations

import builtins
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any, Unpack

from booper_client._async.sender import Sender
from booper_client.fields import EndpointChanges, JobFilters, LogFilters, Span
from booper_client.models.account import Endpoint, Group, LogEntry, NewSigningKey, SigningKey
from booper_client.models.jobs import FailureGroup, Job, Operation
from booper_client.models.pages import Page
from booper_client.requests_out import Request, part, post


class _Resource:
    def __init__(self, sender: Sender) -> None:
        self._sender = sender


class Failures(_Resource):
    """Jobs that were discarded or wait for another attempt, and that nobody has run again."""

    def list(self, *, order_by: str | None = None, **filters: Unpack[JobFilters]) -> AsyncIterator[Job]:
        """Each with its `last_attempt`."""
        return self._sender.every(Job, "/failures", {**filters, "order_by": order_by})

    async def groups(self) -> builtins.list[FailureGroup]:
        """By state, host and reason, the largest first."""
        return await self._sender.fetch_all(FailureGroup, Request("GET", "/failures/groups"))


class Operations(_Resource):
    """What is done to many jobs."""

    def list(self, *, state: str | None = None, order_by: str | None = None) -> AsyncIterator[Operation]:
        return self._sender.every(Operation, "/operations", {"state": state, "order_by": order_by})

    async def get(self, operation: str | Operation) -> Operation:
        return await self._sender.fetch(Operation, Request("GET", f"/operations/{part(operation)}"))

    async def cancel(self, operation: str | Operation) -> Operation:
        """Stop it; what is done stays done."""
        return await self._sender.fetch(Operation, post(f"/operations/{part(operation)}/cancel"))


class Logs(_Resource):
    """What happened to jobs."""

    async def page(
        self,
        *,
        limit: int | None = None,
        cursor: str | None = None,
        order_by: str | None = None,
        **filters: Unpack[LogFilters],
    ) -> Page[LogEntry]:
        """A page, the newest first."""
        return await self._sender.page(
            LogEntry, "/logs", {**filters, "limit": limit, "cursor": cursor, "order_by": order_by}
        )

    def list(self, *, order_by: str | None = None, **filters: Unpack[LogFilters]) -> AsyncIterator[LogEntry]:
        return self._sender.every(LogEntry, "/logs", {**filters, "order_by": order_by})

    async def get(self, entry: str | LogEntry) -> LogEntry:
        return await self._sender.fetch(LogEntry, Request("GET", f"/logs/{part(entry)}"))


class Endpoints(_Resource):
    """Addresses that receive the events of all jobs."""

    async def list(self) -> builtins.list[Endpoint]:
        return await self._sender.fetch_all(Endpoint, Request("GET", "/endpoints"))

    async def create(
        self, url: str, *, types: Sequence[str] | None = None, enabled: bool = True, unique: bool = False
    ) -> Endpoint:
        """`types`: the events that it receives; None for all. `unique`: a ConflictError if there is one of this URL."""
        fields = {"url": url, "types": types, "enabled": enabled, **({"unique": True} if unique else {})}
        return await self._sender.fetch(Endpoint, post("/endpoints", fields))

    async def get(self, endpoint: str | Endpoint) -> Endpoint:
        return await self._sender.fetch(Endpoint, Request("GET", f"/endpoints/{part(endpoint)}"))

    async def change(self, endpoint: str | Endpoint, **fields: Unpack[EndpointChanges]) -> Endpoint:
        """Change fields, each optional."""
        return await self._sender.fetch(Endpoint, Request("PATCH", f"/endpoints/{part(endpoint)}", body=dict(fields)))

    async def delete(self, endpoint: str | Endpoint) -> None:
        await self._sender.send(Request("DELETE", f"/endpoints/{part(endpoint)}"))


class SigningKeys(_Resource):
    """Secrets that sign what is sent."""

    async def list(self) -> builtins.list[SigningKey]:
        return await self._sender.fetch_all(SigningKey, Request("GET", "/signing-keys"))

    async def create(
        self, *, secret: str | None = None, name: str | None = None, once: str | None = None
    ) -> NewSigningKey:
        """A new key, whose secret is shown this once. `name`: by which lists show it."""
        fields = {field: text for field, text in (("secret", secret), ("name", name)) if text}
        return await self._sender.fetch(NewSigningKey, post("/signing-keys", fields, once))

    async def retire(self, key: str | SigningKey, *, after: Span = 0) -> SigningKey:
        """Let it end after so long; until then it signs beside the other one."""
        return await self._sender.fetch(SigningKey, post(f"/signing-keys/{part(key)}/retire", {"after": after}))


class Groups(_Resource):
    """Targets under a name."""

    async def list(self) -> builtins.list[Group]:
        return await self._sender.fetch_all(Group, Request("GET", "/groups"))

    async def get(self, name: str | Group) -> Group:
        return await self._sender.fetch(Group, Request("GET", f"/groups/{part(name)}"))

    async def put(self, name: str, targets: Sequence[Mapping[str, Any]]) -> Group:
        """Make it, or give it exactly these targets."""
        return await self._sender.fetch(Group, Request("PUT", f"/groups/{part(name)}", body={"targets": targets}))

    async def delete(self, name: str | Group) -> None:
        await self._sender.send(Request("DELETE", f"/groups/{part(name)}"))
