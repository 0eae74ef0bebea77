"""Connections to targets: opening one to a guarded address, writing a request to it, keeping it for the
next one.

An address is judged on the very answer of the one lookup that is connected to, and again on the connected
peer. An open connection is used again without a lookup, since its peer was judged; only Booper's own
address is asked anew, because there the path decides.
"""

import select
import socket
import ssl
import threading
import time
from collections import OrderedDict, deque

from models.url_rules import Target, is_literal
from workers.deadline import Deadline
from workers.guard import AddressPolicy
from workers.outcome import Blocked, Failed
from workers.resolver import Resolves
from workers.response import Incoming

MAX_ADDRESSES = 100
MAX_IDLE_S = 4.0
MAX_AGE_S = 60.0
_WRITE_BYTES = 64 * 1024

Origin = tuple[str, str, int]


class Connection:
    """One open socket to one origin. Held by one thread at a time."""

    def __init__(self, target: Target, sock: socket.socket, peer: str) -> None:
        self.origin: Origin = (target.scheme, target.host, target.port)
        self.peer = peer
        self.incoming = Incoming(sock)
        self.idle_since_s = 0.0
        self._opened_at_s = time.monotonic()
        self._sock = sock

    def write(self, data: bytes, deadline: Deadline) -> None:
        """Send it all, or as much as the target takes: one that answers and closes early is still heard."""
        rest = memoryview(data)
        try:
            while rest:
                self._sock.settimeout(deadline.remaining_s())
                rest = rest[self._sock.send(rest[:_WRITE_BYTES]) :]
        except TimeoutError:
            raise deadline.passed() from None
        except OSError:
            return

    def is_usable(self, now_s: float) -> bool:
        """Neither old nor closed by the target, and nothing came on it unasked."""
        if now_s - self.idle_since_s > MAX_IDLE_S or now_s - self._opened_at_s > MAX_AGE_S:
            return False
        waiting = select.poll()
        waiting.register(self._sock, select.POLLIN)
        return not waiting.poll(0)

    def close(self) -> None:
        self._sock.close()


class IdleConnections:
    """The open connections that no attempt uses, at most `most`; the one that has waited longest goes first.

    Thread-safe by one lock over both indexes; sockets are polled and closed outside it."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._lock = threading.Lock()
        self._by_origin: dict[Origin, deque[Connection]] = {}
        self._by_age: OrderedDict[Connection, None] = OrderedDict()

    def take(self, origin: Origin) -> Connection | None:
        """The connection to this origin that was used last, if one is usable; the unusable ones met are
        closed.
        """
        while True:
            with self._lock:
                connection = self._pop(origin, newest=True)
            if connection is None or connection.is_usable(time.monotonic()):
                return connection
            connection.close()

    def put(self, connection: Connection) -> None:
        connection.idle_since_s = now_s = time.monotonic()
        with self._lock:
            self._by_origin.setdefault(connection.origin, deque()).append(connection)
            self._by_age[connection] = None
            surplus = self._surplus(now_s)
        for closing in surplus:
            closing.close()

    def close(self) -> None:
        """Close them all, and every one that is put here afterwards."""
        with self._lock:
            self._most = 0
            surplus = self._surplus(time.monotonic())
        for connection in surplus:
            connection.close()

    def _surplus(self, now_s: float) -> list[Connection]:
        surplus = []
        while self._by_age:
            oldest = next(iter(self._by_age))
            if len(self._by_age) <= self._most and now_s - oldest.idle_since_s <= MAX_IDLE_S:
                break
            self._pop(oldest.origin, newest=False)
            surplus.append(oldest)
        return surplus

    def _pop(self, origin: Origin, *, newest: bool) -> Connection | None:
        waiting = self._by_origin.get(origin)
        if not waiting:
            return None
        connection = waiting.pop() if newest else waiting.popleft()
        if not waiting:
            del self._by_origin[origin]
        del self._by_age[connection]
        return connection


def connect(
    target: Target, policy: AddressPolicy, resolver: Resolves, tls: ssl.SSLContext, deadline: Deadline
) -> Connection:
    """A new connection, with TLS for https: Blocked when any address may not be connected to, Failed when
    none answers in time.
    """
    addresses = _guarded_addresses(target, policy, resolver, deadline)
    sock, peer = _connect_to_any(addresses, target.port, deadline)
    try:
        _guard(peer, target, policy)
        if target.scheme == "https":
            sock = _start_tls(sock, target.host, tls, deadline)
    except BaseException:
        sock.close()
        raise
    return Connection(target, sock, peer)


def _guarded_addresses(target: Target, policy: AddressPolicy, resolver: Resolves, deadline: Deadline) -> list[str]:
    started_ms = deadline.elapsed_ms()
    if is_literal(target.host):
        addresses = [target.host]
    else:
        addresses = resolver.addresses(target.host, target.port, deadline.remaining_s())
        deadline.dns_ms = deadline.elapsed_ms() - started_ms
    if not addresses:
        raise Failed("dns", f"{target.host} has no address")
    if len(addresses) > MAX_ADDRESSES:
        raise Blocked("blocked_address", f"{target.host} has over {MAX_ADDRESSES} addresses")
    for address in addresses:
        _guard(address, target, policy)
    return addresses


def _guard(address: str, target: Target, policy: AddressPolicy) -> None:
    why = policy.refusal(address, target.port, target.path)
    if why is not None:
        raise Blocked("blocked_address", f"{target.host}: {why}")


def _connect_to_any(addresses: list[str], port: int, deadline: Deadline) -> tuple[socket.socket, str]:
    """The first that answers; each may use its share of what remains, so that a silent one leaves time for
    the next.
    """
    started_ms = deadline.elapsed_ms()
    for left in range(len(addresses), 0, -1):
        address = addresses[-left]
        try:
            sock = _connect_one(address, port, deadline.remaining_s() / left)
        except OSError as error:
            failed = error
        else:
            deadline.connect_ms = deadline.elapsed_ms() - started_ms
            return sock, str(sock.getpeername()[0])
    if isinstance(failed, TimeoutError):
        raise deadline.passed() from None
    raise Failed("connect", f"no connection to port {port} of {address}: {failed.strerror}") from None


def _connect_one(address: str, port: int, within_s: float) -> socket.socket:
    sock = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_STREAM)
    try:
        sock.settimeout(within_s)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.connect((address, port))
    except BaseException:
        sock.close()
        raise
    return sock


def _start_tls(sock: socket.socket, host: str, tls: ssl.SSLContext, deadline: Deadline) -> ssl.SSLSocket:
    """The certificate is checked against the name that was ordered; a socket's time limit covers a whole
    handshake.
    """
    started_ms = deadline.elapsed_ms()
    sock.settimeout(deadline.remaining_s())
    try:
        wrapped = tls.wrap_socket(sock, server_hostname=host, suppress_ragged_eofs=False)
    except TimeoutError:
        raise deadline.passed() from None
    except ssl.SSLCertVerificationError as error:
        raise Failed("tls", f"the certificate of {host} is not valid: {error.verify_message}") from None
    except (OSError, ValueError) as error:
        raise Failed("tls", f"no TLS with {host}: {getattr(error, 'reason', None) or type(error).__name__}") from None
    deadline.tls_ms = deadline.elapsed_ms() - started_ms
    return wrapped
