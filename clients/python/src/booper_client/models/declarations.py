"""Channels, and what would become of the declarations of a file."""

from dataclasses import dataclass, field
from typing import Any

from booper_client.models.model import Model


@dataclass(frozen=True, kw_only=True)
class Channel(Model):
    """A service to which messages are forwarded. `host`: of the URL, which is a secret itself."""

    name: str
    set: bool
    host: str | None = None


@dataclass(frozen=True, kw_only=True)
class DeclarationVerdict(Model):
    """What would become of a declaration.

    `change`: `create`, `change` or `none`. `id`: of what there is, where its kind has ids. `before` and `after`: its
    fields, without secrets of channels and alert rules.
    """

    kind: str
    name: str
    change: str
    after: dict[str, Any] = field(repr=False)
    id: str | None = None
    before: dict[str, Any] | None = field(default=None, repr=False)


@dataclass(frozen=True, kw_only=True)
class DeclarationLimit(Model):
    """How many of a kind an account may have, and how many it has. Of schedules those count that are enabled and not
    finished."""

    kind: str
    limit: int
    used: int
