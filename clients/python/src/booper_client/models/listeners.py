"""Listeners, and the requests that they take."""

import base64
from dataclasses import dataclass
from datetime import datetime

from booper_client.models.model import Model


@dataclass(frozen=True, kw_only=True)
class Listener(Model):
    """A machine that fetches requests. `waiting`: those that it has not taken; `taken`: those that it has yet to
    answer."""

    name: str
    connected: bool
    seen_at: datetime
    waiting: int
    taken: int


@dataclass(frozen=True, kw_only=True)
class TakenRequest(Model):
    """A request to be sent to a server on this machine. `seconds_left`: no answer counts after it; `keep_bytes`: how
    much of the answer's body is kept."""

    id: str
    job_id: int
    attempt: int
    method: str
    path: str
    headers: dict[str, str]
    seconds_left: float
    keep_bytes: int
    body_base64: str | None = None

    @property
    def body(self) -> bytes | None:
        """The bytes to send; None: no body."""
        return None if self.body_base64 is None else base64.b64decode(self.body_base64)


@dataclass(frozen=True)
class LocalAnswer:
    """What came of a request on this machine: a status with what belongs to it, or an error (a word of docs/api.md)."""

    status: int | None = None
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    truncated: bool = False
    error: str | None = None
