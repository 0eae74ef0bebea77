"""The base of all models."""

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Model:
    """`raw`: the JSON object as the server wrote it, with members that this version does not know."""

    raw: dict[str, Any] = field(repr=False, compare=False)
