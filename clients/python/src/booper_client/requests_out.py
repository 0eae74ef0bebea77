"""Writes requests: addresses, query strings, bodies and headers."""

import json
import platform
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

AGENT = f"booper-client/0.1.0 Python/{platform.python_version()}"


@dataclass(frozen=True)
class Request:
    """One request below `/api`. `body`: None for none. `once`: the Idempotency-Key, the same in each attempt."""

    method: str
    path: str
    parameters: Mapping[str, Any] = field(default_factory=dict)
    body: Any = None
    once: str | None = None

    def headers(self) -> dict[str, str]:
        kind = {"Content-Type": "application/json"} if self.body is not None else {}
        return kind | ({"Idempotency-Key": self.once} if self.once else {})

    def content(self) -> bytes | None:
        return None if self.body is None else json.dumps(self.body, default=value, ensure_ascii=False).encode()

    def query(self) -> dict[str, str]:
        return {name: text(item) for name, item in self.parameters.items() if item is not None}


@dataclass(frozen=True)
class Answer:
    """What came back. Names of headers are in lower case."""

    status: int
    headers: Mapping[str, str]
    content: bytes

    def json(self) -> Any:
        """Its JSON; None where it has none."""
        try:
            return json.loads(self.content)
        except ValueError:
            return None

    def retry_after(self) -> float | None:
        """Seconds, where the server names them."""
        seconds = self.headers.get("retry-after", "")
        return float(seconds) if seconds.isascii() and seconds.isdigit() else None


def post(path: str, body: Any = None, once: str | None = None) -> Request:
    """A POST that may be repeated: what it makes is made once."""
    return Request("POST", path, body=body, once=once or str(uuid.uuid4()))


def part(identity: Any) -> str:
    """A part of an address: an id, a key, or an object that has one."""
    for name in ("id", "key", "name", "host"):
        if not isinstance(identity, (str, int)) and isinstance(inner := getattr(identity, name, None), str):
            identity = inner
            break
    if not (written := str(identity)) or written in (".", ".."):
        raise ValueError(f"an id or a key must be a text that can stand in an address, got {written!r}")
    return quote(written, safe="")


def value(item: Any) -> Any:
    """What JSON has no form for."""
    if isinstance(item, datetime):
        return item.astimezone(UTC).isoformat() if item.tzinfo else item.isoformat()
    if isinstance(item, timedelta):
        return item.total_seconds()
    if isinstance(item, uuid.UUID):
        return str(item)
    raise TypeError(f"{type(item).__name__} can't be written as JSON")


def text(item: Any) -> str:
    """A value of a query string."""
    if isinstance(item, bool):
        return "true" if item else "false"
    if isinstance(item, (list, tuple)):
        return ",".join(map(text, item))
    return str(value(item) if isinstance(item, (datetime, timedelta, uuid.UUID)) else item)
