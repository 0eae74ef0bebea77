"""Opens a connection to a target: looks its name up once, lets the guard judge every address, connects to
one of those.

The guard judges the very answer that is connected to, and then the connected peer, so that a name which
changes its address between the two gains nothing.
"""

import ssl

from models.rules.address_rules import AddressPolicy
from models.rules.url_rules import Target, is_literal
from workers.transport.connection_pool import Connection
from workers.transport.deadline import Deadline
from workers.transport.outcome import Blocked, Failed
from workers.transport.resolver import Resolves
from workers.transport.timed_socket import TimedSocket

MAX_ADDRESSES = 100


def connect(
    target: Target, owner: int, policy: AddressPolicy, resolver: Resolves, tls: ssl.SSLContext, deadline: Deadline
) -> Connection:
    """A new connection, with TLS for https: Blocked when any address may not be connected to, Failed when
    none answers in time.
    """
    try:
        return _connect(target, owner, policy, resolver, tls, deadline)
    except Failed as failed:
        if failed.reason != "timeout":
            raise
        # Its owner must not be able to tell a silent port from a closed one.
        raise Failed("connect", f"no connection to {target.host} in time: {failed.detail}") from None


def _connect(
    target: Target, owner: int, policy: AddressPolicy, resolver: Resolves, tls: ssl.SSLContext, deadline: Deadline
) -> Connection:
    addresses = _guarded_addresses(target, owner, policy, resolver, deadline)
    sock = _connect_to_any(addresses, target.port, deadline)
    try:
        peer = sock.peer
        _guard(peer, target, policy)
        if target.scheme == "https":
            _start_tls(sock, target.host, tls, deadline)
    except BaseException:
        sock.close()
        raise
    return Connection(target, sock, peer)


def _guarded_addresses(
    target: Target, owner: int, policy: AddressPolicy, resolver: Resolves, deadline: Deadline
) -> list[str]:
    started_ms = deadline.elapsed_ms()
    if is_literal(target.host):
        addresses = [target.host]
    else:
        addresses = resolver.addresses(target.host, target.port, deadline.remaining_s(), owner)
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


def _connect_to_any(addresses: list[str], port: int, deadline: Deadline) -> TimedSocket:
    """The first that answers; each may use its share of what remains, so that a silent one leaves time for
    the next.
    """
    started_ms = deadline.elapsed_ms()
    for left in range(len(addresses), 0, -1):
        address = addresses[-left]
        try:
            sock = TimedSocket(address, port, deadline, 1 / left)
        except OSError as error:
            failed = error
        else:
            deadline.connect_ms = deadline.elapsed_ms() - started_ms
            return sock
    if isinstance(failed, TimeoutError):
        deadline.remaining_s()
    raise Failed("connect", f"no connection to port {port} of {address}: {failed.strerror}") from None


def _start_tls(sock: TimedSocket, host: str, tls: ssl.SSLContext, deadline: Deadline) -> None:
    """The certificate is checked against the name that was ordered, whatever address it resolved to."""
    started_ms = deadline.elapsed_ms()
    try:
        sock.start_tls(tls, host)
    except ssl.SSLCertVerificationError as error:
        raise Failed("tls", f"the certificate of {host} is not valid: {error.verify_message}") from None
    except (OSError, ValueError) as error:
        why = getattr(error, "reason", None) or type(error).__name__
        raise Failed("tls", f"no TLS with {host}: {why}") from None
    deadline.tls_ms = deadline.elapsed_ms() - started_ms
