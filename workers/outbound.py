"""The transport: one request in, one outcome out. Nothing else in Booper opens a connection to a target.

In its place in the flow it comes after the claim and before the judge; it neither reads nor writes the
database, tries nothing twice and follows no redirect. It sends through requests' HTTPAdapter without a
Session, so there are no cookies, proxy variables, .netrc or CA variables. Below the adapter stand our own
connections instead of urllib3's pool, which would percent-encode the path anew (`%zz` would become
`%25zz`), resolve the name itself, and limit each read instead of the whole attempt.
"""

import re
import ssl
from dataclasses import dataclass
from typing import Any, cast

import certifi
from requests import PreparedRequest, Response
from requests.adapters import HTTPAdapter

from booper import __version__
from models.request_rules import FRAMING_NAMES, FRAMING_PREFIXES, METHODS
from models.url_rules import Target, UrlRefused, split_url
from workers.connections import Connection, IdleConnections, connect
from workers.deadline import Deadline
from workers.guard import AddressPolicy
from workers.outcome import Answered, Blocked, Failed, Outcome, Refused, Unreachable
from workers.resolver import Resolver, Resolves
from workers.response import Head, read_body, read_head, stays_open

USER_AGENT = f"Booper/{__version__}"

_HEADER_LINE = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+: [^\x00-\x08\x0a-\x1f\x7f]*")
_BODY_METHODS = frozenset({"POST", "PUT", "PATCH"})


@dataclass(frozen=True, slots=True)
class Request:
    """What to send, byte for byte; `timeout_ms` limits the whole attempt from the lookup to the last byte."""

    method: str
    url: str
    headers: dict[str, str]
    body: bytes | None
    timeout_ms: int


class Transport:
    """Sends requests. Thread-safe: each send has its own connection, the idle ones lie behind one lock.

    `resolver` replaces the system's (tests); `connections` is how many may stay open unused; `ca_file`
    holds the roots to trust instead of the bundled ones. `resolver` is closed with the transport.
    """

    def __init__(
        self,
        policy: AddressPolicy,
        *,
        resolver: Resolves | None = None,
        connections: int = 64,
        ca_file: str | None = None,
    ) -> None:
        self._resolver = resolver or Resolver()
        self._idle = IdleConnections(connections)
        self._adapter = _TargetAdapter(policy, self._resolver, self._idle, _tls_context(ca_file))

    def send(self, request: Request) -> Outcome:
        """One attempt. Never raises: what may not be sent is Refused, what fails is Unreachable."""
        deadline = Deadline(request.timeout_ms)
        try:
            return self._attempt(request, deadline)
        except Blocked as blocked:
            return Refused(blocked.reason, blocked.detail)
        except Failed as failed:
            return Unreachable(failed.reason, failed.detail, deadline.timings())
        except Exception as error:  # noqa: BLE001 - a sender thread must outlive whatever a target provokes
            return Unreachable("protocol", f"unexpected {type(error).__name__}", deadline.timings())

    def close(self) -> None:
        """Close the idle connections now and the others as their attempts end."""
        self._idle.close()
        self._resolver.close()

    def _attempt(self, request: Request, deadline: Deadline) -> Answered:
        exchange = self._adapter.exchange(_prepare(request, deadline))
        try:
            body = read_body(exchange.connection.incoming, request.method, exchange.head)
        except BaseException:
            exchange.connection.close()
            raise
        self._keep(exchange, body.whole)
        head = exchange.head
        return Answered(head.status_code, head.headers, body.kept, body.truncated, deadline.timings())

    def _keep(self, exchange: "_Exchange", whole: bool) -> None:
        connection = exchange.connection
        if whole and connection.incoming.is_empty() and stays_open(exchange.head):
            self._idle.put(connection)
        else:
            connection.close()


class _Prepared(PreparedRequest):
    """A PreparedRequest made by hand: `prepare()` would change the URL and the headers."""

    target: Target
    deadline: Deadline
    written: bytes


class _Exchange:
    """One request and the head of its answer on one connection; what the adapter calls a pool."""

    connection: Connection
    head: Head

    def __init__(self, adapter: "_TargetAdapter", request: _Prepared) -> None:
        self._adapter = adapter
        self._request = request

    def urlopen(self, **_: Any) -> "_Exchange":
        request = self._request
        self.connection = connection = self._adapter.connection(request.target, request.deadline)
        try:
            connection.incoming.deadline = request.deadline
            connection.write(request.written, request.deadline)
            self.head = read_head(connection.incoming)
        except BaseException:
            connection.close()
            raise
        return self


class _TargetAdapter(HTTPAdapter):
    """The adapter's frame with our connections; `verify` and `proxies` of its caller do not count."""

    def __init__(self, policy: AddressPolicy, resolver: Resolves, idle: IdleConnections, tls: ssl.SSLContext) -> None:
        super().__init__(pool_connections=1, pool_maxsize=1, max_retries=0)
        self._policy, self._resolver, self._idle, self._tls = policy, resolver, idle, tls

    def connection(self, target: Target, deadline: Deadline) -> Connection:
        """An idle connection to the origin, else a new one."""
        idle = self._idle.take((target.scheme, target.host, target.port))
        if idle is None:
            return connect(target, self._policy, self._resolver, self._tls, deadline)
        if self._policy.is_own(idle.peer, target.port, target.path):
            self._idle.put(idle)
            raise Blocked("blocked_address", f"{target.host} port {target.port} is Booper's own address")
        return idle

    def exchange(self, prepared: _Prepared) -> _Exchange:
        """Send it and read the head of the answer."""
        return cast(_Exchange, self.send(prepared, stream=True).raw)

    def get_connection_with_tls_context(self, request: Any, *_: Any, **__: Any) -> Any:
        return _Exchange(self, request)

    def cert_verify(self, *_: Any) -> None:
        """Settled by the TLS context."""

    def request_url(self, request: Any, proxies: Any) -> str:  # noqa: ARG002
        return str(request.target.request_target)

    def build_response(self, req: PreparedRequest, resp: Any) -> Response:
        response = Response()
        response.status_code, response.raw = resp.head.status_code, resp
        response.request, response.url = req, req.url or ""
        return response


def _prepare(request: Request, deadline: Deadline) -> _Prepared:
    try:
        target = split_url(request.url)
    except UrlRefused as refused:
        raise Blocked("blocked_url", f"the URL {refused}") from None
    prepared = _Prepared()
    prepared.method, prepared.url, prepared.body = request.method, request.url, request.body
    prepared.target, prepared.deadline = target, deadline
    prepared.headers = _headers(request, target)  # type: ignore[assignment]
    prepared.written = _head_bytes(prepared) + (request.body or b"")
    return prepared


def _headers(request: Request, target: Target) -> dict[str, str]:
    names = {name.lower() for name in request.headers}
    framing = next((n for n in names if n in FRAMING_NAMES or n.startswith(FRAMING_PREFIXES)), None)
    if framing is not None or len(names) != len(request.headers) or request.method not in METHODS:
        raise Blocked("invalid_request", "the method, or a header that frames the request or is there twice")
    headers = {"Host": target.host_header, **request.headers}
    if "user-agent" not in names:
        headers["User-Agent"] = USER_AGENT
    if "accept-encoding" not in names:
        headers["Accept-Encoding"] = "identity"
    if request.body is not None or request.method in _BODY_METHODS:
        headers["Content-Length"] = str(len(request.body or b""))
    return headers


def _head_bytes(prepared: _Prepared) -> bytes:
    try:
        lines = [f"{name}: {value}".encode("latin-1") for name, value in prepared.headers.items()]
    except UnicodeEncodeError:
        raise Blocked("invalid_request", "a header has characters beyond Latin-1") from None
    if not all(map(_HEADER_LINE.fullmatch, lines)):
        raise Blocked("invalid_request", "a header has a bad name or a control character")
    first = f"{prepared.method} {prepared.target.request_target} HTTP/1.1".encode("ascii")
    return b"\r\n".join([first, *lines, b"\r\n"])


def _tls_context(ca_file: str | None) -> ssl.SSLContext:
    """Made by hand, since ssl.create_default_context would write keys to SSLKEYLOGFILE."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_verify_locations(ca_file or certifi.where())
    return context
