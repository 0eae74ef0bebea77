"""Owns a job's request as a command for a shell: the bytes that the sender writes, but for what Booper adds. Pure.

Every value is quoted for a POSIX shell. What a terminal would take for a key press, or no text can hold, goes as octal
or base64, so that a pasted command says what it does.
"""

import base64
import re
import shlex
import string
from typing import Any
from urllib.parse import quote

from models.rules.query_strings import with_query
from models.rules.url_rules import UrlRefused, split_url

MOST_IN_ARGUMENT = 100_000  # bytes; Linux takes 128 KiB in one argument
WITH_LENGTH = ("POST", "PUT", "PATCH")  # methods whose requests say that their body is empty

# Keys, the tab among them (it completes names of files), and marks that turn the direction of what is read.
_NOT_SHOWN = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
# In double quotes an older bash takes "!" for its history; printf a dash in front for an option.
_NOT_PRINTED = re.compile(r"^-|[!\t]|[^\x00-\x7f]")


def curl(args: dict[str, Any], body: bytes | None, content_type: str | None) -> str:
    """A command that sends what the job sends."""
    method = args.get("method", "get").upper()
    before, behind = _body(body)
    # curl takes --head and a body for two methods.
    words = ["curl", *(["--head"] if method == "HEAD" and body is None else ["-X", method])]
    for name, value in _headers(args, method, body, content_type).items():
        words += ["-H", _header(name, value)]
    # No globbing, no shortening of paths: brackets, braces and dots in a URL are meant.
    words += [*behind, "--globoff", "--path-as-is", "--url", shlex.quote(_url(args))]
    return before + " ".join(words)


def _url(args: dict[str, Any]) -> str:
    """As it is connected to and asked for: the host in ASCII, the rest percent-encoded, no fragment."""
    url = with_query(args["url"], args.get("query"))
    try:
        target = split_url(url)
    except UrlRefused:  # ordered when the rules were others; it is refused when it is sent
        return quote(url, safe=string.punctuation)
    return f"{target.scheme}://{target.host_header}{target.request_target}"


def _headers(args: dict[str, Any], method: str, body: bytes | None, content_type: str | None) -> dict[str, str | None]:
    """The job's headers, and what keeps curl from adding one that the sender does not; None takes a header away."""
    headers: dict[str, str | None] = dict(args.get("headers") or {})
    if body is not None and "content-type" not in {name.lower() for name in headers}:
        headers["Content-Type"] = content_type
    if body is None and method in WITH_LENGTH:
        headers["Content-Length"] = "0"
    return headers


def _header(name: str, value: str | None) -> str:
    """A quoted header. The sender writes Latin-1, a terminal UTF-8: what differs goes as octal, and so does a tab."""
    if value is None:
        return shlex.quote(f"{name}:")
    line = f"{name}: {value}" if value else f"{name};"  # an empty value would take the header away
    if line.isascii() and "\t" not in line:
        return shlex.quote(line)
    told = line.replace("\\", "\\\\").replace("%", "%%")
    return f'"$(printf {shlex.quote(_NOT_PRINTED.sub(_octal, told))})"'


def _octal(char: re.Match[str]) -> str:
    written = char[0].encode("latin-1" if char[0] <= "\xff" else "utf-8")
    return "".join(f"\\{byte:03o}" for byte in written)


def _body(body: bytes | None) -> tuple[str, list[str]]:
    """What stands before the command, and the words that send the body."""
    if body is None:
        return "", []
    text = _plain(body)
    if text is None:
        return f"printf %s {shlex.quote(base64.b64encode(body).decode())} | base64 -d | ", ["--data-binary", "@-"]
    if len(body) > MOST_IN_ARGUMENT:
        return f"printf %s {shlex.quote(text)} | ", ["--data-binary", "@-"]
    # Not --data-binary: there an @ at the front would name a file.
    return "", ["--data-raw", shlex.quote(text)]


def _plain(body: bytes) -> str | None:
    """The body as a text that can be pasted, if it is one."""
    try:
        text = body.decode()
    except UnicodeDecodeError:
        return None
    return None if _NOT_SHOWN.search(text) else text
