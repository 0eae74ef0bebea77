"""The page of a worker's metrics is served on each address that its host has."""

import contextlib
import socket
import threading
import urllib.request

import pytest

from booper import metrics_page
from runtime import settings
from tests.support.journeys.ports import free_port

ADDRESSES = ("127.0.0.1", "127.0.0.2")


@pytest.fixture
def two_addresses(monkeypatch):
    """The name `localhost` has two addresses, as it usually has."""
    look_up = socket.getaddrinfo

    def both(host, *args, **options):
        hosts = ADDRESSES if host == "localhost" else (host,)
        return [each for host in hosts for each in look_up(host, *args, **options)]

    monkeypatch.setattr(socket, "getaddrinfo", both)


@pytest.mark.parametrize("address", ADDRESSES)
def test_a_host_with_two_addresses_has_the_page_on_both(two_addresses, address):
    """The worker did not start."""
    port = free_port()

    with metrics_page.served(settings.load({"BOOPER_HOST": "localhost"}), port):
        with contextlib.closing(urllib.request.urlopen(f"http://{address}:{port}/metrics", timeout=20)) as page:
            assert page.status == 200


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_the_page_ends_with_its_thread_and_without_an_error(two_addresses, monkeypatch, host):
    """A socket was closed under the loop that waited for it."""
    failed = []
    monkeypatch.setattr(threading, "excepthook", failed.append)

    for _ in range(10):
        port = free_port()
        with metrics_page.served(settings.load({"BOOPER_HOST": host}), port):
            with contextlib.closing(urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=20)):
                pass
        assert [thread for thread in threading.enumerate() if thread.name == "metrics"] == []
        socket.create_server(("127.0.0.1", port)).close()

    assert failed == []


class Created(Exception):
    """Ends the making of a server once its options are known."""


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "192.0.2.7"])
def test_the_page_is_served_on_the_host_of_the_settings_alone(monkeypatch, host):
    def create_server(_app, **options):
        raise Created(options)

    monkeypatch.setattr("waitress.create_server", create_server)
    effective = settings.load({"BOOPER_HOST": host, "BOOPER_DEMO_KEY": "off"})

    with pytest.raises(Created) as created, metrics_page.served(effective, 9191):
        pass

    [options] = created.value.args
    assert (options["host"], options["port"], options["ident"]) == (host, 9191, None)
    assert not options["clear_untrusted_proxy_headers"]  # may_read looks for them
