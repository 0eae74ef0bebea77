"""The transport: one request in, one outcome out. Nothing else in Booper opens a connection to a target.

In its place in the flow it comes after the claim and before the judge; it neither reads nor writes the
database, tries nothing twice and follows no redirect. It sends through requests' HTTPAdapter without a
Session, so there are no cookies, proxy variables, .netrc or CA variables. Below the adapter stand our own
connections instead of urllib3's pool, which would percent-encode the path anew (`%zz` would become
`%25zz`), resolve the name itself, and limit each read instead of the whole attempt.
"""

import ssl
import traceback
from pathlib import Path
from typing import Any, cast

import certifi
from requests import PreparedRequest, Response
from requests.adapters import HTTPAdapter
from urllib3 import Timeout

from models.rules.address_rules import AddressPolicy
from models.rules.url_rules import Target
from workers.transport.connection_pool import Connection, IdleConnections
from workers.transport.deadline import Deadline
from workers.transport.dialing import connect
from workers.transport.outcome import Answered, Blocked, Failed, Outcome, Refused, Unreachable
from workers.transport.resolver import Resolver, Resolves
from workers.transport.response_reader import Head, read_body, read_head, stays_open
from workers.transport.wire_format import Request, WireRequest, to_wire

__all__ = ["Request", "Transport"]
_NO_TIMEOUT = Timeout()  # one for all, since the adapter would make one each time; the deadline is what counts


class Transport:
    """Sends requests. Thread-safe: each send has its own connection, the idle ones lie behind one lock.

    `resolver` replaces the system's (tests); `connections` is how many may stay open unused; `ca_file`
    holds the roots to trust instead of the bundled ones. `resolver` is closed with the transport. Make one
    in each process, after any fork.
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
            return Unreachable("protocol", _unexpected(error), deadline.timings())

    def close(self) -> None:
        """Close the idle connections now and the others as their attempts end."""
        self._idle.close()
        self._resolver.close()

    def _attempt(self, request: Request, deadline: Deadline) -> Answered:
        prepared = to_wire(request, deadline)
        exchange = self._adapter.exchange(prepared)
        head, connection = exchange.head, exchange.connection
        try:
            body = read_body(connection.incoming, prepared.verb, head)
        except BaseException:
            connection.close()
            raise
        if body.whole and connection.incoming.is_empty() and stays_open(head):
            self._idle.put(connection)
        else:
            connection.close()
        return Answered(head.status_code, head.headers, body.kept, body.truncated, deadline.timings())


class _Exchange:
    """One request and the head of its answer on one connection; what the adapter calls a pool."""

    connection: Connection
    head: Head

    def __init__(self, adapter: "_TargetAdapter", request: WireRequest) -> None:
        self._adapter = adapter
        self._request = request

    def urlopen(self, **_: Any) -> "_Exchange":
        request = self._request
        self.connection = connection = self._adapter.connection(request.target, request.owner, request.deadline)
        try:
            connection.write(request.written, request.deadline)
            self.head = read_head(connection.incoming)
        except BaseException:
            connection.close()
            raise
        return self


class _Response(Response):
    """The frame's answer, of which only `raw` is read; a whole one would be made with a jar for cookies."""

    def __init__(self, exchange: _Exchange) -> None:
        self.raw = exchange


class _TargetAdapter(HTTPAdapter):
    """The adapter's frame with our connections; `verify` and `proxies` of its caller do not count."""

    def __init__(self, policy: AddressPolicy, resolver: Resolves, idle: IdleConnections, tls: ssl.SSLContext) -> None:
        super().__init__(pool_connections=1, pool_maxsize=1, max_retries=0)
        self._policy, self._resolver, self._idle, self._tls = policy, resolver, idle, tls

    def connection(self, target: Target, owner: int, deadline: Deadline) -> Connection:
        """An idle connection to the origin, else a new one."""
        if self._policy.is_own_origin(target.host, target.port, target.path):
            raise Blocked("blocked_address", f"{target.host} port {target.port} is in BOOPER_PUBLIC_URLS")
        idle = self._idle.take((target.scheme, target.host, target.port))
        if idle is None:
            return connect(target, owner, self._policy, self._resolver, self._tls, deadline)
        if self._policy.is_own(idle.peer, target.port, target.path):
            self._idle.put(idle)
            raise Blocked("blocked_address", f"{target.host} port {target.port} is Booper's own address")
        return idle

    def exchange(self, prepared: WireRequest) -> _Exchange:
        """Send it and read the head of the answer."""
        return cast(_Exchange, self.send(prepared, stream=True, timeout=_NO_TIMEOUT).raw)  # type: ignore[arg-type]

    def get_connection_with_tls_context(self, request: Any, *_: Any, **__: Any) -> Any:
        return _Exchange(self, request)

    def cert_verify(self, *_: Any) -> None:
        """Settled by the TLS context."""

    def request_url(self, request: Any, proxies: Any) -> str:  # noqa: ARG002
        return str(request.target.request_target)

    def build_response(self, req: PreparedRequest, resp: Any) -> Response:  # noqa: ARG002
        return _Response(resp)


def _unexpected(error: Exception) -> str:
    """Where it happened; its message may quote headers and is left out."""
    frame = traceback.extract_tb(error.__traceback__)[-1]
    return f"unexpected {type(error).__name__} at {Path(frame.filename).name}:{frame.lineno}"


def _tls_context(ca_file: str | None) -> ssl.SSLContext:
    """Made by hand, since ssl.create_default_context would write keys to SSLKEYLOGFILE."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    context.load_verify_locations(ca_file or certifi.where())
    return context
