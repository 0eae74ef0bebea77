"""Writes a job's request as a curl command, which sends the same bytes without the headers that Booper adds. Pure.

Every value is quoted for a POSIX shell. A byte that a terminal would take for a key press, or that no text can hold,
goes as octal or base64, so that a pasted command does what it shows.
"""

import base64
import re
import shlex
import string
from typing import Any
from urllib.parse import quote

from models.rules.query_strings import with_query
from models.rules.url_rules import UrlRefused, split_url

MAX_ARGUMENT_BYTES = 100_000  # Linux takes 128 KiB in one argument
WITH_LENGTH = ("POST", "PUT", "PATCH")  # methods that send the length of an empty body

# Control characters (a tab completes file names in a terminal) and marks that change the direction of text.
_NOT_SHOWN = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
# An older bash expands "!" within double quotes; printf takes a leading dash for an option.
_NOT_PRINTED = re.compile(r"^-|[!\t]|[^\x00-\x7f]")


def curl(args: dict[str, Any], body: bytes | None, content_type: str | None) -> str:
    method = args.get("method", "get").upper()
    prefix, body_words = _body(body)
    # curl refuses --head together with a body.
    words = ["curl", *(["--head"] if method == "HEAD" and body is None else ["-X", method])]
    for name, value in _headers(args, method, body, content_type).items():
        words += ["-H", _header(name, value)]
    # Brackets, braces and dots in a URL stay as they are: no globbing, no shortening of paths.
    words += [*body_words, "--globoff", "--path-as-is", "--url", shlex.quote(_url(args))]
    return prefix + " ".join(words)


def _url(args: dict[str, Any]) -> str:
    """The URL as it is sent: the host in ASCII, the rest percent-encoded, no fragment."""
    url = with_query(args["url"], args.get("query"))
    try:
        target = split_url(url)
    except UrlRefused:  # created under older rules; it is refused when it is sent
        return quote(url, safe=string.punctuation)
    return f"{target.scheme}://{target.host_header}{target.request_target}"


def _headers(args: dict[str, Any], method: str, body: bytes | None, content_type: str | None) -> dict[str, str | None]:
    """The job's headers, and those that keep curl from adding its own. None removes a header."""
    headers: dict[str, str | None] = dict(args.get("headers") or {})
    if body is not None and "content-type" not in {name.lower() for name in headers}:
        headers["Content-Type"] = content_type
    if body is None and method in WITH_LENGTH:
        headers["Content-Length"] = "0"
    return headers


def _header(name: str, value: str | None) -> str:
    """A quoted header. A tab, and what is not ASCII, go as octal: no terminal sends them in another encoding then."""
    if value is None:
        return shlex.quote(f"{name}:")
    line = f"{name}: {value}" if value else f"{name};"  # an empty value would remove the header
    if line.isascii() and "\t" not in line:
        return shlex.quote(line)
    format_text = line.replace("\\", "\\\\").replace("%", "%%")
    return f'"$(printf {shlex.quote(_NOT_PRINTED.sub(_octal, format_text))})"'


def _octal(char: re.Match[str]) -> str:
    return "".join(f"\\{byte:03o}" for byte in char[0].encode())


def _body(body: bytes | None) -> tuple[str, list[str]]:
    """What goes before the command, and the words that send the body."""
    if body is None:
        return "", []
    text = _plain(body)
    if text is None:
        return f"printf %s {shlex.quote(base64.b64encode(body).decode())} | base64 -d | ", ["--data-binary", "@-"]
    if len(body) > MAX_ARGUMENT_BYTES:
        return f"printf %s {shlex.quote(text)} | ", ["--data-binary", "@-"]
    # Not --data-binary, which takes a leading @ for the name of a file.
    return "", ["--data-raw", shlex.quote(text)]


def _plain(body: bytes) -> str | None:
    """The body as a text that can be pasted; None for any other body."""
    try:
        text = body.decode()
    except UnicodeDecodeError:
        return None
    return None if _NOT_SHOWN.search(text) else text
