"""`client.calendars` and `client.backfills`: days without instants, and instants that are made up for."""

from __future__ import annotations

import builtins
from collections.abc import Mapping, Sequence
from uuid import UUID

from booper_client._async.sender import Sender
from booper_client.fields import Moment
from booper_client.models.schedules import Backfill, Calendar, Schedule
from booper_client.requests_out import Request, part, post

BACKFILLS = 100


class Calendars:
    """Days that schedules exclude by a name."""

    def __init__(self, sender: Sender) -> None:
        self._sender = sender

    async def list(self) -> builtins.list[Calendar]:
        return await self._sender.fetch_all(Calendar, Request("GET", "/calendars"))

    async def get(self, name: str | Calendar) -> Calendar:
        return await self._sender.fetch(Calendar, Request("GET", f"/calendars/{part(name)}"))

    async def put(self, name: str, days: Sequence[str | Mapping[str, str]]) -> Calendar:
        """Make it, or give it exactly these days: `2026-12-24`, or `{"from": "2026-12-24", "to": "2026-12-31"}`."""
        return await self._sender.fetch(Calendar, Request("PUT", f"/calendars/{part(name)}", body={"days": days}))

    async def delete(self, name: str | Calendar) -> None:
        """Delete one that no schedule names."""
        await self._sender.send(Request("DELETE", f"/calendars/{part(name)}"))


class Backfills:
    """Past instants of a schedule that are made up for."""

    def __init__(self, sender: Sender) -> None:
        self._sender = sender

    async def create(
        self, schedule: str | UUID | Schedule, first: Moment, last: Moment, *, once: str | None = None
    ) -> Backfill:
        """Make the jobs of the instants from `first` to `last`, one after another."""
        body = {"from": first, "to": last}
        return await self._sender.fetch(Backfill, post(f"/schedules/{part(schedule)}/backfill", body, once))

    async def list(self, schedule: str | UUID | Schedule) -> builtins.list[Backfill]:
        """The latest hundred of a schedule."""
        request = Request("GET", f"/schedules/{part(schedule)}/backfills", {"limit": BACKFILLS})
        return await self._sender.fetch_all(Backfill, request)

    async def get(self, backfill: str | Backfill) -> Backfill:
        return await self._sender.fetch(Backfill, Request("GET", f"/backfills/{part(backfill)}"))

    async def cancel(self, backfill: str | Backfill) -> Backfill:
        """Stop it; the jobs that it has made stay."""
        return await self._sender.fetch(Backfill, post(f"/backfills/{part(backfill)}/cancel"))
