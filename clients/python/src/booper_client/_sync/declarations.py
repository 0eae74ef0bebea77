"""`client.channels` and `client.declarations`: where messages go, and what would become of a file of declarations."""

from __future__ import annotations

import builtins
from collections.abc import Mapping, Sequence
from typing import Any

from booper_client._sync.sender import Sender
from booper_client.decoding import decode
from booper_client.errors import ApiError, refusal
from booper_client.models.declarations import Channel, DeclarationLimit, DeclarationVerdict
from booper_client.requests_out import Request, part, post


class Channels:
    """Services to which messages are forwarded."""

    def __init__(self, sender: Sender) -> None:
        self._sender = sender

    def list(self) -> builtins.list[Channel]:
        """Each that can be set; no URL is shown."""
        return self._sender.fetch_all(Channel, Request("GET", "/channels"))

    def put(self, name: str, url: str) -> Channel:
        """Forward the messages to the incoming webhook of this URL."""
        return self._sender.fetch(Channel, Request("PUT", f"/channels/{part(name)}", body={"url": url}))

    def delete(self, name: str | Channel) -> None:
        """Forward no more; messages that wait are cancelled."""
        self._sender.send(Request("DELETE", f"/channels/{part(name)}"))


class Declarations:
    """What a file declares beside schedules, compared with what there is."""

    def __init__(self, sender: Sender) -> None:
        self._sender = sender

    def check(self, declarations: Sequence[Mapping[str, Any]]) -> builtins.list[DeclarationVerdict | ApiError]:
        """What would become of up to 100, each with `kind`, `name` and `fields`; or the error. Changes nothing."""
        items = self._sender.data(post("/declarations/check", {"declarations": declarations}))
        return [decode(DeclarationVerdict, item) if "error" not in item else refusal(item) for item in items]

    def limits(self) -> builtins.list[DeclarationLimit]:
        """How many of each kind the account has and may have; of a kind without a limit nothing."""
        return self._sender.fetch_all(DeclarationLimit, Request("GET", "/declarations/limits"))
