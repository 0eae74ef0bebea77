"""Owns a job's request as a command for a shell. Pure."""

import shlex
from typing import Any

from models.queries import with_query


def curl(args: dict[str, Any], body: bytes | None, content_type: str | None) -> str:
    """A curl command that sends what the job sends (without what Booper adds); every value quoted for a POSIX shell."""
    method = args.get("method", "get").upper()
    # curl takes --head and a body for two methods.
    parts = ["curl", *(["--head"] if method == "HEAD" and body is None else ["-X", method])]
    headers = dict(args.get("headers") or {})
    if content_type and "content-type" not in {name.lower() for name in headers}:
        headers["Content-Type"] = content_type
    for name, value in headers.items():
        # An empty value would take the header away.
        parts += ["-H", f"{name}: {value}" if value else f"{name};"]
    if body is not None:
        # Not --data-binary: there an @ at the front would name a file.
        parts += ["--data-raw", body.decode("utf-8", "replace")]
    # No globbing, no shortening of paths: brackets, braces and dots in a URL are meant.
    parts += ["--globoff", "--path-as-is", "--url", with_query(args["url"], args.get("query"))]
    return " ".join(shlex.quote(part) for part in parts)
