"""Receivers and transports that are closed after each test."""

from collections.abc import Callable, Iterator

import pytest

from models.rules.address_rules import WELL_KNOWN_NAT64, AddressPolicy, parse_allow, parse_nat64
from models.rules.url_rules import origins
from tests.support.blocking_transport import BlockingTransport
from tests.support.scripted_receivers import ScriptedReceiver
from workers.transport.local_addresses import is_local
from workers.transport.lookups import Lookups
from workers.transport.wire_format import Request


@pytest.fixture
def receiver() -> Iterator[Callable[..., ScriptedReceiver]]:
    """Start a ScriptedReceiver with a script."""
    started: list[ScriptedReceiver] = []

    def start(*args, **kwargs) -> ScriptedReceiver:
        started.append(ScriptedReceiver(*args, **kwargs))
        return started[-1]

    yield start
    for each in started:
        each.close()


@pytest.fixture
def transport() -> Iterator[Callable[..., BlockingTransport]]:
    """Make a transport that may reach loopback, unless told otherwise."""
    made: list[BlockingTransport] = []

    def make(
        allow: str = "127.0.0.0/8 [::1]/128",
        own: frozenset = frozenset(),
        public_urls: str = "",
        look_up: Callable | None = None,
        hides_names: bool = False,
        nat64: str = "",
        **kwargs,
    ) -> BlockingTransport:
        reached = (WELL_KNOWN_NAT64, *parse_nat64(nat64))
        policy = AddressPolicy(parse_allow(allow), own, origins(public_urls), is_local, reached, hides_names)
        if look_up is not None:
            kwargs["lookups"] = Lookups(look_up)
        made.append(BlockingTransport(policy, **kwargs))
        return made[-1]

    yield make
    for each in made:
        each.close()


@pytest.fixture
def send(transport) -> Callable:
    """Send one request through a transport of its own."""

    def send_one(url, method="GET", headers=None, body=None, timeout_ms=30_000, **kwargs):
        return transport(**kwargs).send(Request(method, url, headers or {}, body, timeout_ms))

    return send_one
