"""The client: one connection to one account."""

from __future__ import annotations

import os
from typing import Any, Self

from booper_client._async.account import Endpoints, Failures, Groups, Logs, Operations, SigningKeys
from booper_client._async.alerting import Alerts, Incidents, StatusPages
from booper_client._async.declarations import Channels, Declarations
from booper_client._async.flow_control import Flows, Hosts, Lanes
from booper_client._async.jobs import Jobs
from booper_client._async.listeners import Listeners
from booper_client._async.recurring import Backfills, Calendars
from booper_client._async.schedules import Schedules
from booper_client._async.sender import Sender
from booper_client._async.transport import Transport
from booper_client.fields import Moment
from booper_client.models.account import Stats
from booper_client.models.flow_control import Gate
from booper_client.requests_out import Request, post
from booper_client.retries import Retries
from booper_client.transports import Connection

DEFAULT_URL = "http://127.0.0.1:8000"


class AsyncClient:
    """What an account may ask of Booper.

    `url` and `key` are those of BOOPER_URL and BOOPER_API_KEY where they are left out. `timeout`: seconds that one
    attempt may take. `session`: a session of your own, with proxies or certificates.
    """

    def __init__(
        self,
        url: str | None = None,
        key: str | None = None,
        *,
        timeout: float = 30.0,
        retries: Retries | None = None,
        session: Any = None,
    ) -> None:
        self.url = url or os.environ.get("BOOPER_URL") or DEFAULT_URL
        connection = Connection(self.url, key or os.environ.get("BOOPER_API_KEY") or None, timeout)
        self._sender = Sender(Transport(connection, session), retries or Retries())
        self.jobs = Jobs(self._sender)
        self.schedules = Schedules(self._sender)
        self.failures = Failures(self._sender)
        self.operations = Operations(self._sender)
        self.flows = Flows(self._sender)
        self.lanes = Lanes(self._sender)
        self.hosts = Hosts(self._sender)
        self.logs = Logs(self._sender)
        self.endpoints = Endpoints(self._sender)
        self.signing_keys = SigningKeys(self._sender)
        self.groups = Groups(self._sender)
        self.calendars = Calendars(self._sender)
        self.channels = Channels(self._sender)
        self.declarations = Declarations(self._sender)
        self.backfills = Backfills(self._sender)
        self.alerts = Alerts(self._sender)
        self.incidents = Incidents(self._sender)
        self.status_page = StatusPages(self._sender)
        self.listeners = Listeners(self._sender)

    async def ping(self) -> bool:
        """Whether the server answers; needs no key."""
        return await self._sender.data(Request("GET", "/ping")) == {"message": "Pong"}

    async def stats(self) -> Stats:
        return await self._sender.fetch(Stats, Request("GET", "/stats"))

    async def get_pause(self) -> Gate:
        """Whether the account is paused, and how many jobs wait for that."""
        return await self._sender.fetch(Gate, Request("GET", "/pause"))

    async def pause(self, *, until: Moment | None = None, reason: str | None = None) -> Gate:
        """Send nothing of the account."""
        return await self._sender.fetch(Gate, post("/pause", {"until": until, "reason": reason}))

    async def resume(self) -> Gate:
        return await self._sender.fetch(Gate, post("/resume"))

    async def close(self) -> None:
        """Close its connections; a context does it by itself."""
        await self._sender.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()
