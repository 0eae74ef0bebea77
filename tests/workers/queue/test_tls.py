"""TLS to RabbitMQ: which files are taken, and what becomes of a server with a certificate that is not to be trusted."""

import contextlib
import os
import socket
import ssl
import threading
from datetime import UTC, datetime, timedelta

import pytest
import trustme
from cryptography.hazmat.primitives import serialization
from dramatiq.errors import BrokerError

from runtime import settings
from runtime.settings import SettingsError
from tests.support.journeys.ports import free_port
from workers.queue import broker as brokers
from workers.queue.actors import Actors
from workers.queue.broker import make_broker, reachable
from workers.queue.nodes import parameters

LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
CA, CERT, KEY = "BOOPER_BROKER_CA_FILE", "BOOPER_BROKER_CERT_FILE", "BOOPER_BROKER_KEY_FILE"


@pytest.fixture
def files(tmp_path):
    """Two CAs, and two certificates with their keys, in files; `locked.key` has a passphrase."""
    for name in ("one", "two"):
        authority = trustme.CA()
        issued = authority.issue_cert("localhost")
        authority.cert_pem.write_to_path(str(tmp_path / f"ca-{name}.pem"))
        issued.cert_chain_pems[0].write_to_path(str(tmp_path / f"{name}.pem"))
        issued.private_key_pem.write_to_path(str(tmp_path / f"{name}.key"))
        if name == "one":
            expired = authority.issue_cert("localhost", not_before=LONG_AGO, not_after=LONG_AGO + timedelta(days=1))
            expired.cert_chain_pems[0].write_to_path(str(tmp_path / "expired.pem"))
            expired.private_key_pem.write_to_path(str(tmp_path / "expired.key"))
    key = serialization.load_pem_private_key((tmp_path / "one.key").read_bytes(), None)
    form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    locked = key.private_bytes(*form, serialization.BestAvailableEncryption(b"c4nary"))
    (tmp_path / "locked.key").write_bytes(locked)
    (tmp_path / "empty.pem").write_text("")
    (tmp_path / "junk.key").write_bytes(bytes(range(256)))
    return tmp_path


def load(url="amqps://u:c4nary@localhost", **names):
    return settings.load({"BOOPER_BROKER_URL": url} | {name: str(path) for name, path in names.items()})


def test_without_files_the_cas_of_the_machine_are_trusted_and_the_name_is_checked():
    context = parameters(load())[0].ssl_options.context
    assert (context.check_hostname, context.verify_mode) == (True, ssl.CERT_REQUIRED)


def test_with_a_ca_of_the_settings_no_other_is_trusted(files):
    nodes = parameters(load("amqps://localhost;amqps://b", **{CA: files / "ca-one.pem"}))
    for node in nodes:
        context = node.ssl_options.context
        assert (context.check_hostname, context.verify_mode) == (True, ssl.CERT_REQUIRED)
        assert len(context.get_ca_certs()) == 1


def test_a_broker_without_tls_needs_no_files_and_reads_none():
    assert [node.ssl_options for node in parameters(load("amqp://a;amqp://b"))] == [None, None]


@pytest.mark.parametrize(
    ("names", "words"),
    [
        ({CA: "missing.pem"}, [CA, "a file that can be read", "No such file"]),
        ({CA: "."}, [CA, "a file that can be read", "directory"]),
        ({CA: "empty.pem"}, [CA, "certificates in PEM form"]),
        ({CA: "one.key"}, [CA, "certificates in PEM form"]),
        ({CERT: "one.pem"}, [CERT, KEY, "set together"]),
        ({KEY: "one.key"}, [CERT, KEY, "set together"]),
        ({CERT: "one.pem", KEY: "missing.key"}, [KEY, "a file that can be read"]),
        ({CERT: "one.pem", KEY: "two.key"}, [f"{CERT} and {KEY} must belong together", "two.key"]),
        ({CERT: "one.pem", KEY: "locked.key"}, [KEY, "without a passphrase"]),
        ({CERT: "one.pem", KEY: "empty.pem"}, [f"{KEY} must be a private key in PEM form", "empty.pem"]),
        ({CERT: "one.pem", KEY: "junk.key"}, [f"{KEY} must be a private key in PEM form", "junk.key"]),
        ({CERT: "one.pem", KEY: "one.pem"}, [f"{KEY} must be a private key in PEM form", "one.pem"]),
        ({CERT: "junk.key", KEY: "one.key"}, [f"{CERT} must be a certificate in PEM form", "junk.key"]),
        ({CERT: "one.key", KEY: "one.pem"}, [f"{CERT} must be a certificate in PEM form", "one.key"]),
    ],
)
def test_files_that_can_not_be_used_are_refused_with_the_name_of_the_setting(files, names, words):
    with pytest.raises(SettingsError) as refused:
        make_broker(load(**{name: files / path for name, path in names.items()}))
    assert all(word in str(refused.value) for word in words), refused.value
    assert "c4nary" not in str(refused.value)


def test_a_certificate_and_its_key_are_taken(files):
    make_broker(load(**{CERT: files / "one.pem", KEY: files / "one.key"}))


@pytest.mark.parametrize("url", ["amqp://u:c4nary@h", "amqps://u:c4nary@h;amqp://u:c4nary@i"])
def test_files_for_tls_and_a_node_without_it_are_refused(files, url):
    with pytest.raises(SettingsError, match=f"must name amqps:// alone where {CA} is set") as refused:
        parameters(load(url, **{CA: files / "ca-one.pem"}))
    assert "c4nary" not in str(refused.value)


def test_options_of_tls_in_the_url_are_refused_as_they_could_switch_the_checks_off():
    with pytest.raises(SettingsError, match="BOOPER_BROKER_CA_FILE"):
        parameters(load("amqps://u:c4nary@h?ssl_options={'protocol':2}"))


@pytest.fixture
def server(files, request):
    """The port of a server with a certificate of the first CA for `localhost`, or another one that a test names; it
    says nothing after the handshake."""
    shown = getattr(request, "param", "one")
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(files / f"{shown}.pem", files / f"{shown}.key")
    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=shake_hands, args=(listening, context), name="server")
        thread.start()
        yield listening.getsockname()[1]
        listening.shutdown(socket.SHUT_RDWR)
        thread.join(10)


def shake_hands(listening, context):
    with contextlib.suppress(OSError):
        while True:
            connection, _ = listening.accept()
            with contextlib.suppress(OSError), context.wrap_socket(connection, server_side=True) as encrypted:
                encrypted.recv(1)


@pytest.mark.parametrize(
    ("server", "host", "ca", "advice"),
    [
        ("one", "localhost", "ca-two.pem", "name the file of the CA that signed RabbitMQ's certificate"),
        ("one", "127.0.0.1", "ca-one.pem", "RabbitMQ's certificate is for another name"),
        ("expired", "localhost", "ca-one.pem", "renew the certificate of RabbitMQ"),
    ],
    indirect=["server"],
)
def test_a_server_that_is_not_to_be_trusted_is_an_error_of_the_broker_with_advice(server, files, host, ca, advice):
    broker = make_broker(load(f"amqps://u:c4nary@{host}:{server}", **{CA: files / ca}))
    actors = Actors(broker, "booper_tls", lambda *_: None, lambda *_: None)

    assert not reachable(broker)
    for attempt in (lambda: actors.send_probe(0), lambda: broker.consume("booper_tls")):
        with pytest.raises(BrokerError) as refused:
            attempt()
        assert advice in brokers.advice(refused.value)
        assert "c4nary" not in str(refused.value)


@pytest.fixture
def plain_server():
    """The port of a server that answers as RabbitMQ does without TLS."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=answer_plainly, args=(listening,), name="server")
        thread.start()
        yield listening.getsockname()[1]
        listening.shutdown(socket.SHUT_RDWR)
        thread.join(10)


def answer_plainly(listening):
    with contextlib.suppress(OSError):
        while True:
            connection, _ = listening.accept()
            with connection:
                connection.recv(1000)
                connection.sendall(b"AMQP\0\0\x09\x01")


def refusal_of(port, scheme="amqps"):
    broker = make_broker(load(f"{scheme}://localhost:{port}"))
    with pytest.raises(BrokerError) as refused:
        Actors(broker, "booper_tls", lambda *_: None, lambda *_: None).send_probe(0)
    return refused.value


def test_tls_at_a_port_without_it_gets_advice(plain_server):
    assert "speaks no TLS" in brokers.advice(refusal_of(plain_server))


@pytest.fixture
def cutting_server(files):
    """The port of a server that ends each connection after the handshake, as RabbitMQ may where it misses ours."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(files / "one.pem", files / "one.key")
    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=cut, args=(listening, context), name="server")
        thread.start()
        yield listening.getsockname()[1]
        listening.shutdown(socket.SHUT_RDWR)
        thread.join(10)


def cut(listening, context):
    with contextlib.suppress(OSError):
        while True:
            connection, _ = listening.accept()
            encrypted = context.wrap_socket(connection, server_side=True)
            encrypted.recv(1000)
            os.close(encrypted.detach())


def test_a_connection_that_ends_without_a_reason_may_miss_our_certificate(files, cutting_server):
    broker = make_broker(load(f"amqps://localhost:{cutting_server}", **{CA: files / "ca-one.pem"}))

    with pytest.raises(BrokerError) as cut_off:
        Actors(broker, "booper_tls", lambda *_: None, lambda *_: None).send_probe(0)

    advice = brokers.advice(cut_off.value)
    assert "it asks for a certificate" in advice
    assert "set BOOPER_BROKER_CERT_FILE" in advice


def test_what_is_no_rabbitmq_gets_advice(plain_server):
    assert "what listens at BOOPER_BROKER_URL is no RabbitMQ" in brokers.advice(refusal_of(plain_server, "amqp"))


def test_a_port_at_which_nothing_listens_gets_no_advice_about_tls():
    assert brokers.advice(refusal_of(free_port())) == ""
