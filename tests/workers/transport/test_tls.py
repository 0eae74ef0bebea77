"""S-TIME, TLS: the certificate is checked against the ordered name, the connection goes to the guarded
address.
"""

import datetime
import errno
import os
import ssl

import pytest
import trustme

from models.rules.address_rules import AddressPolicy, parse_allow
from tests.support.resolvers import Names
from tests.support.scripted_receivers import OK, answering, answering_once, dripping
from workers.transport import causes, dialer
from workers.transport.outcome import Unreachable
from workers.transport.wire_format import Request


@pytest.fixture(scope="module")
def authority():
    return trustme.CA()


@pytest.fixture
def ca_file(authority, tmp_path):
    path = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(str(path))
    return str(path)


def server_side(certificate: trustme.LeafCert, **limits) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate.configure_cert(context)
    for name, value in limits.items():
        setattr(context, name, value)
    return context


@pytest.fixture
def shop(authority, receiver):
    """A receiver that holds a certificate for shop.example."""
    return receiver(answering(OK), tls=server_side(authority.issue_cert("shop.example")))


NAMES = {"shop_example": [["127.0.0.1"]], "other_example": [["127.0.0.1"]]}


def test_a_name_is_verified_while_its_pinned_address_is_connected_to(shop, send, ca_file):
    outcome = send(shop.url(host="shop.example"), look_up=Names(**NAMES), ca_file=ca_file)
    assert outcome.status_code == 200
    assert 0 < outcome.timings.tls_ms < outcome.timings.first_byte_ms


def test_the_name_is_asked_for_in_the_handshake(authority, receiver, send, ca_file):
    names = []
    context = server_side(authority.issue_cert("shop.example"))
    context.sni_callback = lambda sock, name, ctx: names.append(name)

    send(
        receiver(answering(OK), tls=context).url(host="shop.example."),
        look_up=Names(**NAMES),
        ca_file=ca_file,
    )

    assert names == ["shop.example"]


def test_a_certificate_for_an_address_is_good_for_that_address(authority, receiver, send, ca_file):
    target = receiver(answering(OK), tls=server_side(authority.issue_cert("127.0.0.1")))
    assert send(target.url(), ca_file=ca_file).status_code == 200


def expired(authority):
    long_ago = datetime.datetime(2020, 1, 1)
    return authority.issue_cert("shop.example", not_before=long_ago, not_after=long_ago + datetime.timedelta(1))


BAD = {
    "another name": lambda authority: server_side(authority.issue_cert("other.example")),
    "expired": lambda authority: server_side(expired(authority)),
    "another authority": lambda authority: server_side(trustme.CA().issue_cert("shop.example")),
    "only the address": lambda authority: server_side(authority.issue_cert("127.0.0.1")),
}


@pytest.mark.parametrize("case", BAD)
def test_a_bad_certificate_is_a_failure_and_nothing_is_sent(authority, receiver, send, ca_file, case):
    target = receiver(answering(OK), tls=BAD[case](authority))
    outcome = send(target.url(host="shop.example"), look_up=Names(**NAMES), ca_file=ca_file)
    assert (type(outcome), outcome.reason) == (Unreachable, "tls")
    assert not target.requests


def test_an_unknown_authority_is_not_trusted_by_default(shop, send):
    assert send(shop.url(host="shop.example"), look_up=Names(**NAMES)).reason == "tls"


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion")
def test_tls_before_1_2_is_not_spoken(authority, receiver, send, ca_file):
    old = server_side(authority.issue_cert("shop.example"))
    old.set_ciphers("ALL:@SECLEVEL=0")
    old.minimum_version, old.maximum_version = ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1
    target = receiver(answering(OK), tls=old)
    assert send(target.url(host="shop.example"), look_up=Names(**NAMES), ca_file=ca_file).reason == "tls"


class Lenient(ssl.SSLContext):
    """A context of a Python that leaves the lowest version to OpenSSL, on a machine whose OpenSSL allows all."""

    def __new__(cls, protocol, *_):
        context = super().__new__(cls, protocol)
        context.minimum_version = ssl.TLSVersion.TLSv1
        context.set_ciphers("ALL:@SECLEVEL=0")
        return context

    @property
    def minimum_version(self):
        return ssl.TLSVersion(ssl._ssl._SSLContext.minimum_version.__get__(self))

    @minimum_version.setter
    def minimum_version(self, value):
        # The setter of ssl.SSLContext would call itself for ever in a class that takes its place.
        ssl._ssl._SSLContext.minimum_version.__set__(self, value)


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion")
def test_tls_before_1_2_is_not_spoken_where_openssl_would(authority, receiver, send, ca_file, monkeypatch):
    old = server_side(authority.issue_cert("shop.example"))
    old.set_ciphers("ALL:@SECLEVEL=0")
    old.minimum_version, old.maximum_version = ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1
    target = receiver(answering(OK), tls=old)
    monkeypatch.setattr(ssl, "SSLContext", Lenient)
    assert send(target.url(host="shop.example"), look_up=Names(**NAMES), ca_file=ca_file).reason == "tls"


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_an_open_tls_connection_is_used_again(authority, receiver, transport, ca_file, version):
    context = server_side(authority.issue_cert("shop.example"), maximum_version=version)
    target = receiver(answering(OK), tls=context)
    names = Names(**NAMES)
    sender = transport(look_up=names, ca_file=ca_file)
    for _ in range(3):
        outcome = sender.send(Request("POST", target.url(host="shop.example"), {}, b"x" * 200_000, 5000))
        assert outcome.status_code == 200
    assert len(target.requests) == 3
    assert names.lookups == ["shop.example"]


def test_a_plain_server_at_an_https_port_is_a_failure(receiver, send, ca_file):
    target = receiver(lambda conn, _: conn.recv(9999) and conn.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n"))
    url = target.url(host="shop.example").replace("http:", "https:")
    assert send(url, look_up=Names(**NAMES), ca_file=ca_file).reason == "tls"


def test_b1_a_handshake_drip_ends_at_the_deadline(receiver, send):
    target = receiver(dripping(b"\x16\x03\x03\x40\x00", b"\x02", 0.05))
    outcome = send(target.url().replace("http:", "https:"), timeout_ms=500)
    assert outcome.reason == "connect"
    assert outcome.timings.total_ms >= 500


@pytest.mark.parametrize(
    ("first", "drop"),
    [(b"HTTP/1.1 200 OK\r\n", b"X: y\r\n"), (b"HTTP/1.1 200 OK\r\nContent-Length: 999\r\n\r\n", b"x")],
)
def test_b1_a_drip_inside_tls_ends_at_the_deadline(authority, receiver, transport, ca_file, first, drop):
    target = receiver(dripping(first, drop, 0.01), tls=server_side(authority.issue_cert("127.0.0.1")))
    request = Request("GET", target.url(), {}, None, 1)
    outcome = transport(ca_file=ca_file).send_until_heard(request, len(first + drop))
    assert (outcome.status_code, outcome.truncated) == (200, True)


def test_b5_a_body_until_the_end_needs_a_proper_end_of_tls(authority, receiver, send, ca_file):
    context = server_side(authority.issue_cert("127.0.0.1"))
    cut = receiver(answering_once(b"HTTP/1.1 200 OK\r\n\r\nhalf"), tls=context)
    sized = receiver(answering_once(OK), tls=context)
    assert send(cut.url(), ca_file=ca_file).truncated
    assert send(sized.url(), ca_file=ca_file).status_code == 200


def test_s_time_the_environment_changes_no_roots_and_writes_no_keys(shop, send, ca_file, monkeypatch, tmp_path):
    """No session keys are written and no other roots are trusted."""
    monkeypatch.setenv("SSLKEYLOGFILE", str(tmp_path / "keys"))
    for variable in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE"):
        monkeypatch.setenv(variable, ca_file)
    assert send(shop.url(host="shop.example"), look_up=Names(**NAMES)).reason == "tls"
    assert send(shop.url(host="shop.example"), look_up=Names(**NAMES), ca_file=ca_file).status_code == 200
    assert not os.path.exists(tmp_path / "keys")


@pytest.fixture
def public_loopback(monkeypatch):
    """Loopback stands for the public Internet."""
    monkeypatch.setattr(dialer, "_PUBLIC", AddressPolicy(parse_allow("127.0.0.0/8")))


@pytest.mark.parametrize(
    ("name", "days", "cause"),
    [
        ("shop.example", -1, "certificate_expired"),
        ("else.example", 9, "certificate_wrong_name"),
    ],
)
def test_t11_the_owner_of_a_public_target_reads_what_is_wrong_with_its_certificate(
    authority, receiver, send, ca_file, public_loopback, name, days, cause
):
    until = datetime.datetime.now(datetime.UTC) + datetime.timedelta(days=days)
    target = receiver(answering(OK), tls=server_side(authority.issue_cert(name, not_after=until)))

    outcome = send(target.url(host="shop.example"), look_up=Names(**NAMES), ca_file=ca_file)

    assert (outcome.reason, outcome.cause) == ("tls", cause)


def test_t11_a_certificate_for_another_address_has_the_wrong_name(authority, receiver, send, ca_file, public_loopback):
    target = receiver(answering(OK), tls=server_side(authority.issue_cert("127.0.0.2")))
    assert send(target.url(), ca_file=ca_file).cause == "certificate_wrong_name"


def test_t11_a_certificate_whose_time_has_not_come_is_not_valid_yet(
    authority, receiver, send, ca_file, public_loopback
):
    soon = datetime.datetime.now(datetime.UTC) + datetime.timedelta(days=1)
    certificate = authority.issue_cert("127.0.0.1", not_before=soon, not_after=soon + datetime.timedelta(days=9))
    target = receiver(answering(OK), tls=server_side(certificate))
    assert send(target.url(), ca_file=ca_file).cause == "certificate_not_yet_valid"


@pytest.mark.parametrize(
    ("code", "cause"),
    [(number, "certificate_untrusted") for number in (18, 19, 20, 21)] + [(0, "certificate_invalid")],
)
def test_t11_whoever_signed_it_is_untrusted_wherever_the_chain_breaks(code, cause):
    """The numbers are OpenSSL's: of a certificate that signed itself, alone or in a chain, and of a chain that ends."""
    error = ssl.SSLCertVerificationError("bad certificate")
    error.verify_code = code
    assert causes.of_tls(error) == cause


def test_t11_an_unknown_authority_and_a_closed_port_are_told_of_a_public_target(shop, send, public_loopback):
    assert send(shop.url(host="shop.example"), look_up=Names(**NAMES)).cause == "certificate_untrusted"
    shop.close()
    assert send(shop.url(host="shop.example"), look_up=Names(**NAMES)).cause == "connection_refused"


@pytest.mark.parametrize(("nat64", "cause"), [("", "connection_refused"), ("2606:4700::/96", None)])
def test_t11_behind_a_translator_of_the_operator_is_a_private_target_too(send, monkeypatch, nat64, cause):
    async def refuse(*_):
        raise ConnectionRefusedError(errno.ECONNREFUSED, "refused")

    monkeypatch.setattr(dialer, "race", refuse)
    names = Names(shop_example=[["2606:4700::a00:1"]])

    outcome = send("http://shop.example/", look_up=names, allow="10.0.0.0/8", nat64=nat64)

    assert (outcome.reason, outcome.cause) == ("connect", cause)


def test_t11_of_a_private_target_nobody_learns_the_cause(shop, send):
    assert send(shop.url(host="shop.example"), look_up=Names(**NAMES)).cause is None
    shop.close()
    assert send(shop.url(host="shop.example"), look_up=Names(**NAMES)).cause is None
