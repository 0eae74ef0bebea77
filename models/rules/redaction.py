"""Hides secrets in headers from logs, callbacks and events. Pure."""

import json
from collections.abc import Iterable
from functools import lru_cache
from typing import Any

SECRET_WORDS = (
    *("auth", "cookie", "secret", "token", "passw", "apikey", "signature", "credential", "session", "jwt"),
    *("access-key", "private-key", "booper-ack-url"),
)
NO_SECRET = ("idempotency-key",)
REDACTED = "[redacted]"
BODY = "body"


def hidden_names(redact: str | None) -> frozenset[str]:
    """What a job's owner wants hidden, from the column `redact`: lower-case header names, and BODY."""
    return frozenset(json.loads(redact)) if redact else frozenset()


def redacted(headers: Iterable[tuple[str, Any]], hidden: frozenset[str]) -> dict[str, str]:
    """The headers, with the values of secret-looking and of hidden headers replaced."""
    pairs = list(headers)
    secret = secret_names(tuple([name for name, _ in pairs]), hidden)
    shown: dict[str, str] = {}
    for name, value in pairs:
        plain = REDACTED if name in secret else str(value)
        shown[name] = f"{shown[name]}, {plain}" if name in shown else plain
    return shown


@lru_cache(maxsize=64)
def secret_names(names: tuple[str, ...], hidden: frozenset[str]) -> frozenset[str]:
    """Those of the names whose values are hidden. Cached, since most requests have the same names."""
    return frozenset(name for name in names if is_secret(name.lower(), hidden))


def is_secret(name: str, hidden: frozenset[str]) -> bool:
    plain = name.replace("_", "-")
    looks_secret = plain.endswith("-key") or any(word in plain for word in SECRET_WORDS)
    return name in hidden or (looks_secret and plain not in NO_SECRET)
