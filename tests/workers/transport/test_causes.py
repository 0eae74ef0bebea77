"""Why a target was not reached, as its owner may read it: every way to fail, of public targets and of private ones."""

import asyncio
import errno
import socket

import pytest

from models.rules.address_rules import AddressPolicy, parse_allow
from models.rules.url_rules import split_url
from workers.transport import causes, dialer
from workers.transport.connection import Origin
from workers.transport.deadline import Deadline
from workers.transport.dialer import Dialer
from workers.transport.outcome import Failed

PUBLIC, PRIVATE = "203.0.114.7", "10.0.0.7"
OF_CONNECTING = {
    errno.ECONNREFUSED: "connection_refused",
    errno.ECONNRESET: "connection_reset",
    errno.EHOSTUNREACH: "no_route",
    errno.ENETUNREACH: "no_route",
    errno.ETIMEDOUT: "connection_timed_out",
    errno.EMFILE: "connection_failed",
    None: "connection_failed",
}
OF_LOOKING_UP = {
    socket.EAI_NONAME: "name_unknown",
    socket.EAI_NODATA: "name_unknown",
    socket.EAI_AGAIN: "name_lookup_failed",
    socket.EAI_FAIL: "name_lookup_failed",
}


@pytest.mark.parametrize("number", OF_CONNECTING)
def test_each_error_of_connecting_has_its_cause(number):
    assert causes.of_connecting(OSError(number, "why")) == OF_CONNECTING[number]


@pytest.mark.parametrize("number", OF_LOOKING_UP)
def test_each_error_of_a_lookup_has_its_cause(number):
    assert causes.of_lookup(socket.gaierror(number, "why")) == OF_LOOKING_UP[number]


class Names:
    """Looks up: these addresses, or never any."""

    def __init__(self, addresses):
        self._addresses = addresses

    async def addresses(self, host, port, owner):
        if self._addresses is None:
            await asyncio.Event().wait()
        return self._addresses


async def never(*_):
    await asyncio.Event().wait()


async def refused(*_):
    raise ConnectionRefusedError(errno.ECONNREFUSED, "Connection refused")


def failure(monkeypatch, addresses, connecting):
    """Why no connection came, if the name has these addresses; who waits for one is cancelled at once."""
    monkeypatch.setattr(dialer, "race", connecting)
    policy = AddressPolicy(parse_allow("10.0.0.0/8"))
    dialing = Dialer(policy, Names(addresses), None, 1000)
    target = split_url("http://shop.example:81/")

    async def connect():
        trying = asyncio.create_task(dialing.connect(target, Origin(1, "http", target.host, 81), Deadline(0)))
        await asyncio.sleep(0)
        trying.cancel()
        return (await asyncio.gather(trying, return_exceptions=True))[0]

    return asyncio.run(connect())


@pytest.mark.parametrize(
    ("addresses", "connecting", "reason", "cause", "detail"),
    [
        ([], never, "dns", "name_unknown", "shop.example has no address"),
        (None, never, "connect", "name_lookup_failed", "no connection to shop.example in time"),
        ([PUBLIC], never, "connect", "connection_timed_out", "no connection to shop.example in time"),
        ([PRIVATE], never, "connect", None, "no connection to shop.example in time"),
        ([PUBLIC, PRIVATE], never, "connect", None, "no connection to shop.example in time"),
        (
            *([PUBLIC], refused, "connect", "connection_refused"),
            "no connection to port 81 of shop.example: Connection refused",
        ),
        ([PRIVATE, PUBLIC], refused, "connect", None, "no connection to port 81 of shop.example: Connection refused"),
        (
            ["192.168.0.1"],
            never,
            "blocked_address",
            None,
            "shop.example: 192.168.0.1 is not a public address and not in BOOPER_TARGET_ALLOW",
        ),
    ],
)
def test_a_cause_is_told_where_all_addresses_are_public(monkeypatch, addresses, connecting, reason, cause, detail):
    failed = failure(monkeypatch, addresses, connecting)

    assert (type(failed), failed.reason, failed.cause, failed.detail) == (Failed, reason, cause, detail)
