"""`client.listeners`: requests of jobs that are brought to this machine."""

from __future__ import annotations

import base64
import builtins
from typing import Any

from booper_client._async.sender import Sender
from booper_client.models.listeners import Listener, LocalAnswer, TakenRequest
from booper_client.requests_out import Request, part


class Listeners:
    """Machines that fetch the requests of jobs which name them (`listener://NAME/`)."""

    def __init__(self, sender: Sender) -> None:
        self._sender = sender

    async def list(self) -> builtins.list[Listener]:
        """Those of the last week, by name."""
        return await self._sender.fetch_all(Listener, Request("GET", "/listeners"))

    async def take(self, name: str | Listener, *, limit: int = 10, wait: float = 20.0) -> builtins.list[TakenRequest]:
        """The requests that wait for this listener, each once; waits so many seconds for the first. The client's
        `timeout` has to be longer."""
        body = {"limit": limit, "wait": wait}
        return await self._sender.fetch_all(TakenRequest, Request("POST", f"/listeners/{part(name)}/take", body=body))

    async def answer(self, name: str | Listener, request: TakenRequest, answer: LocalAnswer) -> None:
        """Say what came of a request. ConflictError if it was answered before, ApiError 410 if it is too late."""
        path = f"/listeners/{part(name)}/requests/{part(request)}/answer"
        await self._sender.data(Request("POST", path, body=_written(answer)))


def _written(answer: LocalAnswer) -> dict[str, Any]:
    if answer.error is not None:
        return {"error": answer.error}
    return {
        "status": answer.status,
        "headers": [list(pair) for pair in answer.headers],
        "body_base64": base64.b64encode(answer.body).decode(),
        "truncated": answer.truncated,
    }
