"""`client.alerts`, `client.incidents` and `client.status_page`: who learns when something goes wrong."""

from __future__ import annotations

import builtins
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any, Unpack

from booper_client._async.sender import Sender
from booper_client.fields import AlertChanges, AlertFields, Moment
from booper_client.models.alerts import Alert, Incident, SentTest, StatusPage
from booper_client.requests_out import Request, part, post


class Alerts:
    """Rules by which people are notified."""

    def __init__(self, sender: Sender) -> None:
        self._sender = sender

    async def list(self) -> builtins.list[Alert]:
        return await self._sender.fetch_all(Alert, Request("GET", "/alerts"))

    async def create(
        self,
        name: str,
        to: Sequence[Mapping[str, str]],
        *,
        unique: bool = False,
        once: str | None = None,
        **fields: Unpack[AlertFields],
    ) -> Alert:
        """`to`: who is notified, such as `[{"email": "ops@example.com"}]`. `unique`: a ConflictError if there is a rule
        of this name."""
        own = {"name": name, "to": to, **({"unique": True} if unique else {})}
        return await self._sender.fetch(Alert, post("/alerts", {**fields, **own}, once))

    async def get(self, alert: str | Alert) -> Alert:
        return await self._sender.fetch(Alert, Request("GET", f"/alerts/{part(alert)}"))

    async def change(self, alert: str | Alert, **fields: Unpack[AlertChanges]) -> Alert:
        """Change fields; a target as it is shown stays as it is."""
        return await self._sender.fetch(Alert, Request("PATCH", f"/alerts/{part(alert)}", body=dict(fields)))

    async def delete(self, alert: str | Alert) -> None:
        """Delete it and close its incidents."""
        await self._sender.send(Request("DELETE", f"/alerts/{part(alert)}"))

    async def test(
        self, alert: str | Alert, *, target: int | None = None, once: str | None = None
    ) -> builtins.list[SentTest]:
        """Send a test message to each target, or to the one at this place of `to`, from 0 on."""
        body = None if target is None else {"target": target}
        return await self._sender.fetch_all(SentTest, post(f"/alerts/{part(alert)}/test", body, once))


class Incidents:
    """What alert rules have found."""

    def __init__(self, sender: Sender) -> None:
        self._sender = sender

    def list(self, *, state: str | None = None, order_by: str | None = None) -> AsyncIterator[Incident]:
        """The latest first. `state`: `open` or `closed`."""
        return self._sender.every(Incident, "/incidents", {"state": state, "order_by": order_by})

    async def get(self, incident: str | Incident) -> Incident:
        return await self._sender.fetch(Incident, Request("GET", f"/incidents/{part(incident)}"))

    async def acknowledge(self, incident: str | Incident) -> Incident:
        """Say that somebody works on it: it is not repeated."""
        return await self._change(incident, "acknowledge")

    async def close(self, incident: str | Incident) -> Incident:
        return await self._change(incident, "close")

    async def mute(self, incident: str | Incident, *, until: Moment | None = None) -> Incident:
        """Notify nobody of it until then, or for a day."""
        return await self._change(incident, "mute", {} if until is None else {"until": until})

    async def unmute(self, incident: str | Incident) -> Incident:
        """Notify of it again."""
        return await self._change(incident, "mute", {"until": None})

    async def _change(self, incident: str | Incident, change: str, body: Any = None) -> Incident:
        return await self._sender.fetch(Incident, post(f"/incidents/{part(incident)}/{change}", body))


class StatusPages:
    """The page on which others see how all schedules fare."""

    def __init__(self, sender: Sender) -> None:
        self._sender = sender

    async def get(self) -> StatusPage:
        """Its address, which is all that is needed to see it."""
        return await self._sender.fetch(StatusPage, Request("GET", "/status-page"))

    async def renew(self) -> StatusPage:
        """Make it, or give it another address: the one before leads nowhere from now on."""
        return await self._sender.fetch(StatusPage, post("/status-page"))

    async def revoke(self) -> None:
        """Take it away."""
        await self._sender.send(Request("DELETE", "/status-page"))
