"""Writes a request as the bytes that go out: nothing of its URL, its headers or its body is changed.

A last check stands here for what would break the framing of the request, whoever wrote it; the rules for clients are in
models/rules/request_rules.py. No text of a refusal quotes a header's value or the URL.
"""

import re
from functools import lru_cache

from requests import PreparedRequest

from models.rules.request_rules import FRAMING_NAMES, FRAMING_PREFIXES, METHODS
from models.rules.url_rules import Target, UrlRefused, split_url
from runtime.version import __version__
from workers.transport.outcome import Blocked

USER_AGENT = f"Booper/{__version__}"

_HEADER_LINES = re.compile(rb"(?:[!#$%&'*+.^_`|~0-9A-Za-z-]+: [^\x00-\x08\x0a-\x1f\x7f]*\r\n)*")
_BODY_METHODS = frozenset({"POST", "PUT", "PATCH"})


class Request(PreparedRequest):
    """Is what `requests` sends, set by hand: `prepare` would change the URL and the headers.

    `timeout_ms` limits the whole attempt from the lookup to the last byte. `owner` is the account whose job it is, or
    its negated id for a follow-up: each takes its share of the lookups, and has connections of its own. `starts_at_ns`:
    when the request may go out, by the monotonic clock, where somebody counts its start. `sent_headers` are `headers`
    with those that the transport adds, once it has written the request.
    """

    method: str
    url: str
    headers: dict[str, str]  # type: ignore[assignment]
    body: bytes | None

    def __init__(
        self,
        method: str,
        url: str,
        headers: dict[str, str],
        body: bytes | None,
        timeout_ms: int,
        owner: int = 0,
        starts_at_ns: int | None = None,
    ) -> None:
        super().__init__()
        self.prepare_method(method)
        self.url, self.headers, self.body = url, headers, body
        self.timeout_ms, self.owner, self.starts_at_ns = timeout_ms, owner, starts_at_ns
        self.sent_headers = headers


def target_of(request: Request) -> Target:
    """Where the request goes; Blocked("blocked_url") when it may not."""
    try:
        return split_url(request.url)
    except UrlRefused as refused:
        raise Blocked("blocked_url", f"the URL {refused}") from None


def to_wire(request: Request, target: Target) -> bytes:
    """The whole request; Blocked("invalid_request") when it may not be sent."""
    if request.method not in METHODS:
        raise Blocked("invalid_request", f"the method {request.method[:20]!r} is not one that is sent")
    request.sent_headers = headers = _headers(request, target)
    try:
        lines = "".join([f"{name}: {value}\r\n" for name, value in headers.items()]).encode()
    except UnicodeEncodeError:
        raise Blocked("invalid_request", "a header has characters that UTF-8 cannot hold") from None
    # Counted, since a header that holds the end of a line would pass for two.
    if not _HEADER_LINES.fullmatch(lines) or lines.count(b"\n") != len(headers):
        raise Blocked("invalid_request", "a header has a bad name or a control character")
    first_line = f"{request.method} {target.request_target} HTTP/1.1".encode("ascii")
    return b"%b\r\n%b\r\n%b" % (first_line, lines, request.body or b"")


@lru_cache(maxsize=64)
def _names(headers: tuple[str, ...]) -> tuple[frozenset[str], list[str]]:
    """The names in lower case, and those of them that frame a request. Cached: most requests have the same names."""
    names = frozenset(name.lower() for name in headers)
    return names, [name for name in names if name in FRAMING_NAMES or name.startswith(FRAMING_PREFIXES)]


def _headers(request: Request, target: Target) -> dict[str, str]:
    names, framing = _names(tuple(request.headers))
    if framing or len(names) != len(request.headers):
        raise Blocked("invalid_request", f"the headers {framing} frame the request, or one is there twice")
    headers = {"Host": target.host_header, **request.headers}
    if "user-agent" not in names:
        headers["User-Agent"] = USER_AGENT
    if "accept-encoding" not in names:
        headers["Accept-Encoding"] = "identity"
    if request.body is not None or request.method in _BODY_METHODS:
        headers["Content-Length"] = str(len(request.body or b""))
    return headers
