"""Joins the `query` of a job to its URL. Pure. The API needs the length, the sender the text."""

import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode


def with_query(url: str, query: dict[str, Any] | None) -> str:
    """The URL with the members of the query after its own; nested members in brackets, lists repeated."""
    if not query:
        return url
    base = url.partition("#")[0]
    return base + ("&" if "?" in base else "?") + urlencode(list(_pairs(query)))


def _pairs(query: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    for name, value in query.items():
        key = f"{prefix}[{name}]" if prefix else name
        if isinstance(value, dict):
            yield from _pairs(value, key)
        else:
            yield from ((key, _plain(item)) for item in (value if isinstance(value, list) else [value]))


def _plain(value: Any) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, separators=(",", ":"))
