"""Opens a connection to a target: looks its name up once, has the guard judge every address, connects to one of them
and starts TLS.

The guard judges the very answer that is connected to, and then the connected peer, so a name that changes its address
in between gains nothing. Why a target was not reached, its owner learns only where all its addresses are public.
"""

import asyncio
import ssl
from dataclasses import replace

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
    """Opens connections: `connect`, on the loop. `ca_file` holds the roots to trust instead of the bundled ones."""

    def __init__(self, policy: AddressPolicy, lookups: Lookups, ca_file: str | None) -> None:
        self.policy, self.lookups = policy, lookups
        self.public = replace(_PUBLIC, nat64=policy.nat64)
        self.tls = tls_context(ca_file)
        self.good_addresses = GoodAddresses()

    async def connect(self, target: Target, origin: Origin, deadline: Deadline) -> Connection:
        """A new connection, with TLS for https. Blocked when the address may never be connected to, Failed when none
        answers in time or its name leads where nothing may be connected to. Who waits cancels it at the deadline."""
        dial = _Dial(self, target, origin, deadline)
        try:
            return await dial.connect()
        except asyncio.CancelledError:
            if deadline.left_s():
                raise
            # Its owner must not be able to tell a silent port from a closed one, unless all is public.
            raise Failed("connect", f"no connection to {target.host} in time", dial.cause_of_silence()) from None


class _Dial:
    """Opens one connection, and knows how far it came."""

    def __init__(self, dialer: Dialer, target: Target, origin: Origin, deadline: Deadline) -> None:
        self._dialer, self._target, self._origin, self._deadline = dialer, target, origin, deadline
        self._addresses: list[str] = []

    async def connect(self) -> Connection:
        self._addresses = await self._look_up()
        self._judge_all(self._addresses)
        connection = await self._connect_to_any()
        try:
            self._judge_all([connection.peer])
            if self._target.scheme == "https":
                await self._start_tls(connection)
        except BaseException:
            connection.abort()
            raise
        self._dialer.good_addresses.note(self._target.host, connection.peer)
        return connection

    def cause_of_silence(self) -> str | None:
        return self._if_public(causes.TIMED_OUT) if self._addresses else causes.NAME_FAILED

    async def _look_up(self) -> list[str]:
        target = self._target
        if is_literal(target.host):
            return [target.host]
        with self._deadline.timed("dns_ms"):
            addresses = await self._dialer.lookups.addresses(target.host, target.port, self._origin.owner)
        if not addresses:
            raise Failed("dns", f"{target.host} has no address", causes.NAME_UNKNOWN)
        return addresses

    def _judge_all(self, addresses: list[str]) -> None:
        """Raise unless all may be reached. A literal address is refused for good; what a name leads to may be another
        address tomorrow."""
        target, policy = self._target, self._dialer.policy
        refusals = (policy.refusal(address, target.port, target.path) for address in addresses)
        why = next(filter(None, refusals), None)
        if len(addresses) > MAX_ADDRESSES:
            why = f"it has over {MAX_ADDRESSES} addresses"
        if why is None:
            return
        if is_literal(target.host):
            raise Blocked("blocked_address", f"{target.host}: {why}")
        raise Failed("blocked_address", f"{target.host}: {why}")

    async def _connect_to_any(self) -> Connection:
        target = self._target
        ordered = self._dialer.good_addresses.first(target.host, self._addresses)
        try:
            with self._deadline.timed("connect_ms"):
                return await race(ordered, self._connect_to)
        except OSError as error:
            why = error.strerror or type(error).__name__
            detail = f"no connection to port {target.port} of {target.host}: {why}"
            raise Failed("connect", detail, self._if_public(causes.of_connecting(error))) from None

    async def _connect_to(self, address: str) -> Connection:
        loop = asyncio.get_running_loop()
        _, connection = await loop.create_connection(lambda: Connection(self._origin), address, self._target.port)
        return connection

    async def _start_tls(self, connection: Connection) -> None:
        """Start TLS; the certificate is checked against the name that was ordered, whatever address it resolved to."""
        host, within_s = self._target.host, self._deadline.left_s() + 1
        try:
            with self._deadline.timed("tls_ms"):
                await connection.start_tls(self._dialer.tls, host, within_s)
        except ssl.SSLCertVerificationError as error:
            detail = f"the certificate of {host} is not valid: {error.verify_message}"
            raise Failed("tls", detail, self._if_public(causes.of_tls(error))) from None
        except (OSError, ValueError) as error:
            why = getattr(error, "reason", None) or type(error).__name__
            raise Failed("tls", f"no TLS with {host}: {why}", self._if_public(causes.of_tls(error))) from None

    def _if_public(self, cause: str) -> str | None:
        """The cause, where it would map no private network."""
        public, port = self._dialer.public, self._target.port
        return cause if all(public.refusal(address, port) is None for address in self._addresses) else None


def tls_context(ca_file: str | None) -> ssl.SSLContext:
    """Make a context by hand, since ssl.create_default_context would write keys to SSLKEYLOGFILE."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    context.load_verify_locations(ca_file or certifi.where())
    return context
