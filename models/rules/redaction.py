"""Hides secrets in headers from logs, callbacks and events. Pure."""

import json
from collections.abc import Mapping, Sequence
from functools import lru_cache

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


def redacted(headers: Mapping[str, str], hidden: frozenset[str]) -> dict[str, str]:
    """The headers, with the values of secret-looking and of hidden headers replaced."""
    return {**headers, **dict.fromkeys(secret_names(tuple(headers), hidden), REDACTED)}


def redacted_pairs(headers: Sequence[tuple[str, str]], hidden: frozenset[str]) -> dict[str, str]:
    """The same of headers of which some may come several times: their values are joined."""
    shown = dict(headers)
    if len(shown) == len(headers):
        return redacted(shown, hidden)
    secret = secret_names(tuple(shown), hidden)
    values: dict[str, list[str]] = {name: [] for name in shown}
    for name, value in headers:
        values[name].append(REDACTED if name in secret else value)
    return {name: ", ".join(each) for name, each in values.items()}


@lru_cache(maxsize=64)
def secret_names(names: tuple[str, ...], hidden: frozenset[str]) -> frozenset[str]:
    """Those of the names whose values are hidden. Cached, since most requests have the same names."""
    return frozenset(name for name in names if is_secret(name.lower(), hidden))


def is_secret(name: str, hidden: frozenset[str]) -> bool:
    plain = name.replace("_", "-")
    looks_secret = plain.endswith("-key") or any(word in plain for word in SECRET_WORDS)
    return name in hidden or (looks_secret and plain not in NO_SECRET)
