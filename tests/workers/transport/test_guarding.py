"""S-TIME: the guard at work.

Public names are mapped to loopback addresses that the allow-list opens: 127.0.0.2 stands for a public
address, 127.0.0.1 for a private one.
"""

import ipaddress
import socket
from dataclasses import replace

import pytest
from dnslib import AAAA, CNAME, QTYPE, RCODE, RR, A, DNSRecord
from dnslib.server import BaseResolver, DNSServer

from models.rules.address_rules import AddressPolicy, parse_allow
from tests.support.resolvers import Names
from tests.support.scripted_receivers import OK, ScriptedReceiver, answering
from workers.transport.local_addresses import is_local
from workers.transport.outcome import Refused, Timings, Unreachable
from workers.transport.wire_format import Request

PUBLIC, PRIVATE = "127.0.0.2", "127.0.0.1"
ALLOW = "127.0.0.2/32"


@pytest.mark.parametrize("host", ["127.0.0.1", "[::1]", "[::ffff:127.0.0.1]", "0.0.0.0", "[::]", "169.254.169.254"])
def test_s_addr_a_blocked_literal_address_is_refused_unsent(send, receiver, host):
    """A literal address that may not be reached is refused unsent."""
    target = receiver(answering(OK))
    refused = send(target.url(host=host), allow=ALLOW)
    assert (type(refused), refused.reason) == (Refused, "blocked_address")
    assert not target.connections


REFUSED = """
0.0.0.0-0.255.255.255 10.0.0.0-10.255.255.255 100.64.0.0-100.127.255.255 127.0.0.0-127.255.255.255
169.254.0.0-169.254.255.255 172.16.0.0-172.31.255.255 192.0.0.0-192.0.0.255 192.0.2.0-192.0.2.255
192.31.196.0-192.31.196.255 192.52.193.0-192.52.193.255 192.88.99.0-192.88.99.255 192.168.0.0-192.168.255.255
192.175.48.0-192.175.48.255 198.18.0.0-198.19.255.255 198.51.100.0-198.51.100.255 203.0.113.0-203.0.113.255
224.0.0.0-255.255.255.255 168.63.129.16-168.63.129.16 ::-1fff:ffff:ffff:ffff:ffff:ffff:ffff:ffff
2001::-2001:1ff:ffff:ffff:ffff:ffff:ffff:ffff 2001:db8::-2001:db8:ffff:ffff:ffff:ffff:ffff:ffff
2002::-2002:ffff:ffff:ffff:ffff:ffff:ffff:ffff 2620:4f:8000::-2620:4f:8000:ffff:ffff:ffff:ffff:ffff
3fff::-3fff:fff:ffff:ffff:ffff:ffff:ffff:ffff 4000::-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff
"""
ENDS = [tuple(map(ipaddress.ip_address, ends.split("-"))) for ends in REFUSED.split()]


@pytest.mark.parametrize(("first", "last"), ENDS)
def test_s_addr_each_network_is_refused_exactly_to_its_edges(first, last):
    """Each refused network is refused to its edges and no further."""
    policy = AddressPolicy()
    assert policy.refusal(str(first), 443)
    assert policy.refusal(str(last), 443)
    beside = [int(first) - 1] * (int(first) > 0) + [int(last) + 1] * (int(last) + 1 < 2**first.max_prefixlen)
    neighbors = [str(type(first)(number)) for number in beside]
    assert [policy.refusal(ip, 443) for ip in neighbors] == [None] * len(neighbors)


METADATA = """
169.254.169.254 169.254.170.2 169.254.170.23 169.254.0.23 100.100.100.200 168.63.129.16 192.0.0.192 fd00:ec2::254
fd00:ec2::23 fd20:ce::254
"""


@pytest.mark.parametrize("ip", METADATA.split())
def test_s_addr_every_known_metadata_service_stays_refused_when_everything_is_allowed(ip):
    assert "metadata" in AddressPolicy(parse_allow("0.0.0.0/0 [::]/0")).refusal(ip, 80)


def test_s_addr_the_metadata_service_is_known_behind_every_translator_of_addresses():
    policy = AddressPolicy(parse_allow("[::]/0"))
    carriers = ["::%s", "64:ff9b::%s", "64:ff9b:1::%s", "64:ff9b:1:ffff::%s"]
    assert all("metadata" in policy.refusal(carrier % "169.254.169.254", 80) for carrier in carriers)
    assert policy.refusal("::1:a9fe:a9fe", 80) is None
    assert policy.refusal("64:ff9b::1:a9fe:a9fe", 80) is None


def test_s_addr_an_empty_listen_host_means_every_address_of_this_machine():
    policy = AddressPolicy(parse_allow("127.0.0.0/8"), frozenset({("", 8000)}), local=is_local)
    assert "own address" in policy.refusal(PRIVATE, 8000)


@pytest.mark.parametrize("port", [1, 65535])
def test_s_addr_the_allow_list_takes_the_first_and_the_last_port(port):
    policy = AddressPolicy(parse_allow(f"127.0.0.2/32:{port}"))
    assert policy.refusal(PUBLIC, port) is None
    assert policy.refusal(PUBLIC, 80)


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST", "localhost.", "ip6-localhost", "ｌocalhost"])
def test_s_name_a_name_of_this_machine_is_refused_unsent(send, receiver, host):
    target = receiver(answering(OK))
    outcome = send(target.url(host=host), allow=ALLOW)
    assert outcome.reason in ("blocked_address", "dns")
    assert not target.connections


@pytest.mark.parametrize(
    "addresses",
    [
        [PUBLIC, PRIVATE],
        [PRIVATE, PUBLIC],
        [PUBLIC, "::1"],
        [PUBLIC, "fe80::1%lo"],
        [PUBLIC, "169.254.169.254"],
        [PUBLIC, "nonsense"],
        [PUBLIC] * 101,
    ],
)
def test_s_time_one_address_that_may_not_be_reached_refuses_them_all(send, receiver, addresses):
    target = receiver(answering(OK), host=PUBLIC)
    refused = send(target.url(host="mixed.example"), allow=ALLOW, look_up=Names(mixed_example=[addresses]))
    assert (type(refused), refused.reason) == (Unreachable, "blocked_address")
    assert not target.connections


def missing(_host, _port):
    raise socket.gaierror(socket.EAI_NONAME, "no such name")


@pytest.mark.parametrize("addresses", [[PRIVATE], [PUBLIC, PRIVATE], ["169.254.169.254"], ["10.0.0.1", "nonsense"]])
def test_a9_a_name_that_leads_to_a_refused_address_looks_like_a_missing_name_where_names_are_hidden(send, addresses):
    """A customer could list the operator's internal names."""
    url = "http://name.example/"

    hidden = send(url, allow=ALLOW, look_up=Names(name_example=[addresses]), hides_names=True)
    unknown = send(url, allow=ALLOW, look_up=missing, hides_names=True)

    assert (type(hidden), hidden.reason, hidden.cause) == (type(unknown), unknown.reason, unknown.cause)
    assert replace(hidden.timings, total_ms=None) == replace(unknown.timings, total_ms=None) == Timings()


def test_a_literal_address_is_refused_as_such_where_names_are_hidden(send):
    refused = send("http://10.0.0.1/", hides_names=True)

    assert (type(refused), refused.reason) == (Refused, "blocked_address")


def test_a_hundred_addresses_are_taken(send, receiver):
    target = receiver(answering(OK), host=PUBLIC)
    names = Names(many_example=[[PUBLIC] * 100])
    assert send(target.url(host="many.example"), allow=ALLOW, look_up=names).status_code == 200


def test_t6_a_name_with_an_address_of_a_translator_beside_is_reached(send, receiver):
    """Such a name was refused on every network without IPv4."""
    target = receiver(answering(OK), host=PUBLIC)
    names = Names(two_example=[["64:ff9b::7f00:2", PUBLIC]])
    assert send(target.url(host="two.example"), allow=ALLOW, look_up=names).status_code == 200


def test_a_name_without_addresses_is_unreachable(send):
    outcome = send("http://none.example/", look_up=Names(none_example=[[]]))
    assert (type(outcome), outcome.reason) == (Unreachable, "dns")


def test_the_next_address_is_tried_when_one_refuses_the_connection(send, receiver):
    target = receiver(answering(OK), host=PUBLIC)
    names = Names(two_example=[["127.0.0.3", PUBLIC]])
    outcome = send(target.url(host="two.example"), allow="127.0.0.2/31", look_up=names)
    assert outcome.status_code == 200


def test_a_closed_port_is_unreachable(send, receiver):
    target = receiver(answering(OK))
    target.close()
    outcome = send(target.url())
    assert (type(outcome), outcome.reason) == (Unreachable, "connect")


class Rebinding(BaseResolver):
    """A name server whose name turns from public to private after the first question, which it counts."""

    def __init__(self):
        self.questions = []

    def resolve(self, request, handler):
        name = str(request.q.qname)
        self.questions.append(name)
        reply = request.reply()
        if name == "rebind.example.":
            reply.add_answer(RR(name, QTYPE.A, rdata=A(PUBLIC if len(self.questions) == 1 else PRIVATE), ttl=0))
        elif name == "alias.example.":
            reply.add_answer(RR(name, QTYPE.CNAME, rdata=CNAME("inside.example"), ttl=0))
            reply.add_answer(RR("inside.example", QTYPE.A, rdata=A(PRIVATE), ttl=0))
        elif name == "six.example.":
            reply.add_answer(RR(name, QTYPE.A, rdata=A(PUBLIC), ttl=0))
            reply.add_answer(RR(name, QTYPE.AAAA, rdata=AAAA("::1"), ttl=0))
        else:
            reply.header.rcode = RCODE.SERVFAIL if name == "broken.example." else RCODE.NXDOMAIN
        return reply


class AskingDns:
    """Asks one DNS server over UDP, one question a lookup."""

    def __init__(self, port):
        self._port = port

    def __call__(self, host, port):
        answer = DNSRecord.parse(DNSRecord.question(host).send("127.0.0.1", self._port, timeout=5))
        if answer.header.rcode:
            raise socket.gaierror(socket.EAI_NONAME, RCODE[answer.header.rcode])
        return [str(rr.rdata) for rr in answer.rr if rr.rtype in (QTYPE.A, QTYPE.AAAA)]


@pytest.fixture(scope="module")
def name_server():
    zone = Rebinding()
    server = DNSServer(zone, port=0, address="127.0.0.1")
    server.start_thread()
    zone.port = server.server.server_address[1]
    yield zone
    server.stop()
    server.server.server_close()
    server.thread.join(5)


@pytest.fixture
def dns(name_server):
    name_server.questions.clear()
    return name_server


def test_s_time_a_name_is_looked_up_once_for_each_connection(dns, receiver, send):
    """A name that turns private is looked up once and its first address connected to."""
    public = receiver(answering(OK), host=PUBLIC)
    private = ScriptedReceiver(answering(OK), host=PRIVATE, port=public.port)
    outcome = send(public.url(host="rebind.example"), allow=ALLOW, look_up=AskingDns(dns.port))
    private.close()
    assert outcome.status_code == 200
    assert dns.questions == ["rebind.example."]
    assert [conn.getsockname()[0] for conn in public.connections] == [PUBLIC]
    assert private.connections == []


def test_s_time_a_name_turned_private_is_refused_at_the_next_connection(dns, receiver, transport):
    """A name that has turned private since is refused when its connection is gone."""
    public = receiver(answering(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"), host=PUBLIC)
    sender = transport(ALLOW, look_up=AskingDns(dns.port))
    request = Request("GET", public.url(host="rebind.example"), {}, None, 5000)
    assert sender.send(request).status_code == 200
    assert sender.send(request).reason == "blocked_address"


@pytest.mark.parametrize("name", ["alias.example", "six.example"])
def test_s_time_a_private_address_behind_an_alias_or_beside_a_public_one_is_refused(dns, send, name):
    outcome = send(f"http://{name}/", allow=ALLOW, look_up=AskingDns(dns.port))
    assert (type(outcome), outcome.reason) == (Unreachable, "blocked_address")


def test_t5_a_name_that_leads_to_a_refused_address_for_a_while_is_reached_afterwards(receiver, transport):
    """The job was discarded for good at its first attempt."""
    target = receiver(answering(OK), host=PUBLIC)
    sender = transport(ALLOW, look_up=Names(flappy_test=[["10.9.9.9"], [PUBLIC]]))
    request = Request("GET", target.url(host="flappy.test"), {}, None, 5000)
    first, second = (sender.send(request) for _ in range(2))
    assert (type(first), first.reason) == (Unreachable, "blocked_address")
    assert second.status_code == 200


@pytest.mark.parametrize("name", ["missing.example", "broken.example"])
def test_s_time_a_name_that_does_not_resolve_is_a_failure_to_try_again(dns, send, name):
    outcome = send(f"http://{name}/", look_up=AskingDns(dns.port))
    assert (type(outcome), outcome.reason) == (Unreachable, "dns")


def test_s_time_a_redirect_is_an_answer_and_is_not_followed(receiver, send):
    private = receiver(answering(OK))
    to_private = b"HTTP/1.1 302 Found\r\nLocation: %b\r\nContent-Length: 0\r\n\r\n" % private.url().encode()
    outcome = send(receiver(answering(to_private), host=PUBLIC).url(), allow=ALLOW)
    assert outcome.status_code == 302
    assert not private.connections


def test_s_time_boopers_own_api_is_refused_but_its_echo_is_not(receiver, send):
    own = receiver(answering(OK))
    listens = frozenset({("127.0.0.1", own.port)})
    assert send(own.url("/api/jobs"), own=listens).reason == "blocked_address"
    assert send(own.url("/api/echo?x=/api/jobs"), own=listens).status_code == 200
    assert len(own.requests) == 1


@pytest.mark.parametrize("host", ["127.0.0.1", "[::ffff:127.0.0.1]"])
def test_s_time_a_connection_to_the_echo_leads_nowhere_else(receiver, transport, host):
    """An open connection to the echo does not lead to the rest of the API."""
    own = receiver(answering(OK))
    sender = transport(own=frozenset({("127.0.0.1", own.port)}))
    echo, jobs = (Request("POST", own.url(path, host), {}, b"{}", 5000) for path in ("/api/echo", "/api/jobs"))
    assert sender.send(echo).status_code == 200
    assert sender.send(jobs).reason == "blocked_address"
    assert sender.send(echo).status_code == 200
    assert len(own.connections) == 1


def test_s_time_the_unspecified_address_does_not_lead_to_boopers_own_api(receiver, send):
    own = receiver(answering(OK))
    outcome = send(own.url("/api/jobs", host="0.0.0.0"), allow="0.0.0.0/0", own=frozenset({("127.0.0.1", own.port)}))
    assert outcome.reason == "blocked_address"
    assert not own.requests


@pytest.mark.parametrize("host", ["booper.example", "BOOPER.example", "booper.example.", "ｂooper.example"])
@pytest.mark.parametrize(
    ("path", "passes"),
    [
        ("/api/jobs", False),
        ("/", False),
        ("//api/echo", False),
        ("/api/echo/../jobs", False),
        ("/api/echo?x=/api/jobs", True),
        ("/api/channels/demo", True),
    ],
)
def test_s_time_the_own_api_is_refused_under_its_public_name(receiver, send, host, path, passes):
    """Booper's own API is refused under its public name but its echo is not."""
    proxy = receiver(answering(OK), host=PUBLIC)
    names = Names(booper_example=[[PUBLIC]])
    public = f"https://other.example http://booper.example:{proxy.port}/"
    outcome = send(proxy.url(path, host), allow=ALLOW, look_up=names, public_urls=public)
    assert len(proxy.requests) == passes
    assert passes or outcome.reason == "blocked_address"


def test_s_time_a_connection_to_the_public_echo_leads_nowhere_else(receiver, transport):
    """An open connection to the public echo does not lead to the rest of the API."""
    proxy = receiver(answering(OK), host=PUBLIC)
    public = f"http://booper.example:{proxy.port}"
    sender = transport(ALLOW, public_urls=public, look_up=Names(booper_example=[[PUBLIC]]))
    echo, jobs = (Request("POST", public + path, {}, b"{}", 5000) for path in ("/api/echo", "/api/jobs"))
    assert sender.send(echo).status_code == 200
    assert sender.send(jobs).reason == "blocked_address"
    assert len(proxy.requests) == 1


@pytest.mark.parametrize("url", ["http://booper.example:{other}/api/jobs", "http://www.booper.example:{port}/api/jobs"])
def test_s_time_another_port_or_name_is_no_own_api(receiver, send, url):
    """Another port or name than the public one is no own API."""
    proxy, other = receiver(answering(OK), host=PUBLIC), receiver(answering(OK), host=PUBLIC)
    names = Names(booper_example=[[PUBLIC]], www_booper_example=[[PUBLIC]])
    public = f"http://booper.example:{proxy.port}"
    answered = send(url.format(other=other.port, port=proxy.port), allow=ALLOW, look_up=names, public_urls=public)
    assert answered.status_code == 200
