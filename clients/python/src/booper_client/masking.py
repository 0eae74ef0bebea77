"""Hides headers that look secret where they would be read by somebody else than their owner."""

from collections.abc import Mapping
from typing import Any

SECRET = ("authorization", "cookie", "token", "secret", "password", "api-key", "apikey")
HIDDEN = "…"


def masked(members: Mapping[str, Any]) -> dict[str, Any]:
    """The same members; a value whose name looks secret is hidden."""
    return {
        name: HIDDEN if any(word in str(name).lower() for word in SECRET) else value for name, value in members.items()
    }
