"""Opens a connection to a target: looks its name up once, has the guard judge every address, connects to one of them
and starts TLS.

The guard judges the very answer that is connected to, and then the connected peer, so a name that changes its address
in between gains nothing. Why a target was not reached, its owner learns only where all its addresses are public.
"""

import asyncio
import ssl
from dataclasses import replace
from functools import cache

import certifi

from models.rules.address_rules import AddressPolicy
from models.rules.url_rules import Target, is_literal
from workers.transport import causes
from workers.transport.connection import Connection, Origin
from workers.transport.deadline import Deadline
from workers.transport.lookups import Lookups
from workers.transport.outcome import Blocked, Failed
from workers.transport.race import GoodAddresses, race

MAX_ADDRESSES = 100
_PUBLIC = AddressPolicy()


class Dialer:
    """Opens connections: `connect`, on the loop. `ca_file` holds the roots to trust instead of the bundled ones;
    `kept_bytes`: how much of a body is kept."""

    def __init__(self, policy: AddressPolicy, lookups: Lookups, ca_file: str | None, kept_bytes: int) -> None:
        self.policy, self._lookups, self._kept_bytes = policy, lookups, kept_bytes
        self._public = replace(_PUBLIC, nat64=policy.nat64)
        self._tls = _https_context(ca_file)
        self._good_addresses = GoodAddresses()

    async def connect(self, target: Target, origin: Origin, deadline: Deadline) -> Connection:
        """A new connection, with TLS for https. Blocked when the address may never be connected to, Failed when none
        answers in time or its name leads where nothing may be connected to. Who waits cancels it at the deadline."""
        addresses: list[str] = []
        try:
            addresses += await self._look_up(target, origin.owner, deadline)
            return await self._connect_to_any(addresses, target, origin, deadline)
        except asyncio.CancelledError:
            if deadline.left_s():
                raise
            cause = causes.TIMED_OUT if addresses else causes.NAME_FAILED
            failed = Failed("connect", f"no connection to {target.host} in time", cause)
        except Failed as error:
            failed = error
        is_public = not any(self._public.refusal(address, target.port) for address in addresses)
        if failed.reason == "blocked_address" and self.policy.hides_names:
            deadline.forget_phases()
            failed = Failed("dns", str(failed), causes.NAME_UNKNOWN)
        elif not is_public:
            failed.cause = None  # its owner could map a private network by it, a silent port from a closed one
        raise failed from None

    async def _look_up(self, target: Target, owner: int, deadline: Deadline) -> list[str]:
        if is_literal(target.host):
            return [target.host]
        with deadline.timed("dns_ms"):
            addresses = await self._lookups.addresses(target.host, target.port, owner)
        if not addresses:
            raise Failed("dns", f"{target.host} has no address", causes.NAME_UNKNOWN)
        return addresses

    async def _connect_to_any(
        self, addresses: list[str], target: Target, origin: Origin, deadline: Deadline
    ) -> Connection:
        async def connect_to(address: str) -> Connection:
            loop = asyncio.get_running_loop()
            return (await loop.create_connection(lambda: Connection(origin, self._kept_bytes), address, target.port))[1]

        self._judge(target, addresses)
        try:
            with deadline.timed("connect_ms"):
                connection = await race(self._good_addresses.first(target.host, addresses), connect_to)
        except OSError as error:
            why = error.strerror or type(error).__name__
            detail = f"no connection to port {target.port} of {target.host}: {why}"
            raise Failed("connect", detail, causes.of_connecting(error)) from None
        try:
            self._judge(target, [connection.peer])
            if target.scheme == "https":
                await self._start_tls(connection, target.host, deadline)
        except BaseException:
            connection.abort()
            raise
        self._good_addresses.note(target.host, connection.peer)
        return connection

    def _judge(self, target: Target, addresses: list[str]) -> None:
        """Raise unless all may be reached. A literal address is refused for good; what a name leads to may be another
        address tomorrow."""
        refusals = (self.policy.refusal(address, target.port, target.path) for address in addresses)
        why = next(filter(None, refusals), None)
        if len(addresses) > MAX_ADDRESSES:
            why = f"it has over {MAX_ADDRESSES} addresses"
        if why is None:
            return
        if is_literal(target.host):
            raise Blocked("blocked_address", f"{target.host}: {why}")
        raise Failed("blocked_address", f"{target.host}: {why}")

    async def _start_tls(self, connection: Connection, host: str, deadline: Deadline) -> None:
        """Start TLS; the certificate is checked against the name that was ordered, whatever address it resolved to."""
        try:
            with deadline.timed("tls_ms"):
                await connection.start_tls(self._tls, host, deadline.left_s() + 1)
        except (OSError, ValueError) as error:
            why = getattr(error, "verify_message", None) or getattr(error, "reason", None) or type(error).__name__
            raise Failed("tls", f"no TLS with {host}: {why}", causes.of_tls(error)) from None


def client_context() -> ssl.SSLContext:
    """A context that checks certificates and trusts none yet. It is made by hand, since ssl.create_default_context
    would write keys to SSLKEYLOGFILE."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


@cache
def _https_context(ca_file: str | None) -> ssl.SSLContext:
    """Made once, and shared: to read the bundled roots takes 20 ms."""
    context = client_context()
    context.set_alpn_protocols(["http/1.1"])
    context.load_verify_locations(ca_file or certifi.where())
    return context
