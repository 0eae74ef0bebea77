"""From what a job orders to the bytes that are written: nothing of the URL, the headers or the body is
changed.

A last check stands here for what would break the framing of the request, whoever wrote it; the rules for
clients are in models/rules/request_rules.py. No text of a refusal quotes a header's value or the URL.
"""

import re
from dataclasses import dataclass, field

from requests import PreparedRequest

from models.rules.request_rules import FRAMING_NAMES, FRAMING_PREFIXES, METHODS
from models.rules.url_rules import Target, UrlRefused, split_url
from runtime.version import __version__
from workers.transport.outcome import Blocked

USER_AGENT = f"Booper/{__version__}"

_HEADER_LINES = re.compile(rb"(?:[!#$%&'*+.^_`|~0-9A-Za-z-]+: [^\x00-\x08\x0a-\x1f\x7f]*\r\n)*")
_BODY_METHODS = frozenset({"POST", "PUT", "PATCH"})


@dataclass(slots=True)
class Request:
    """What to send, byte for byte; `timeout_ms` limits the whole attempt from the lookup to the last byte. `owner` is
    the account whose job it is: it takes its share of the lookups."""

    method: str
    url: str = field(repr=False)
    headers: dict[str, str] = field(repr=False)
    body: bytes | None = field(repr=False)
    timeout_ms: int
    owner: int = 0


class WireRequest(PreparedRequest):
    """A PreparedRequest made by hand, since `prepare()` would change the URL and the headers.

    `verb` is the upper-case method, `written` the whole request as it goes over the wire."""

    verb: str
    target: Target
    written: bytes


def to_wire(request: Request) -> WireRequest:
    """Ready to be written; Blocked("blocked_url") or Blocked("invalid_request") when it may not be."""
    try:
        target = split_url(request.url)
    except UrlRefused as refused:
        raise Blocked("blocked_url", f"the URL {refused}") from None
    headers = _headers(request, target)
    prepared = WireRequest()
    prepared.method = prepared.verb = _verb(request.method)
    prepared.url, prepared.body = request.url, request.body
    prepared.headers = headers  # type: ignore[assignment]
    prepared.target = target
    prepared.written = _head_bytes(prepared.verb, target, headers) + (request.body or b"")
    return prepared


def _verb(method: str) -> str:
    if not method.isascii() or method.upper() not in METHODS:
        raise Blocked("invalid_request", f"the method {method[:20]!r} is not one that is sent")
    return method.upper()


def _headers(request: Request, target: Target) -> dict[str, str]:
    names = {name.lower() for name in request.headers}
    framing = [name for name in names if name in FRAMING_NAMES or name.startswith(FRAMING_PREFIXES)]
    if framing or len(names) != len(request.headers):
        raise Blocked("invalid_request", f"the headers {framing} frame the request, or one is there twice")
    headers = {"Host": target.host_header, **request.headers}
    if "user-agent" not in names:
        headers["User-Agent"] = USER_AGENT
    if "accept-encoding" not in names:
        headers["Accept-Encoding"] = "identity"
    if request.body is not None or request.method.upper() in _BODY_METHODS:
        headers["Content-Length"] = str(len(request.body or b""))
    return headers


def _head_bytes(verb: str, target: Target, headers: dict[str, str]) -> bytes:
    try:
        lines = "".join([f"{name}: {value}\r\n" for name, value in headers.items()]).encode()
    except UnicodeEncodeError:
        raise Blocked("invalid_request", "a header has characters that UTF-8 cannot hold") from None
    # Counted, since a header that holds the end of a line would pass for two.
    if not _HEADER_LINES.fullmatch(lines) or lines.count(b"\n") != len(headers):
        raise Blocked("invalid_request", "a header has a bad name or a control character")
    return b"%b %b HTTP/1.1\r\n%b\r\n" % (verb.encode("ascii"), target.request_target.encode("ascii"), lines)
