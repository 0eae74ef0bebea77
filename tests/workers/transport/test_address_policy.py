"""S-ADDR: which addresses may be connected to. Pure: nothing here opens a socket."""

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.rules.address_rules import WELL_KNOWN_NAT64, AddressPolicy, parse_allow, parse_nat64
from models.rules.url_rules import origins, split_url
from workers.transport.local_addresses import is_local

REFUSED = """
0.0.0.0 0.1.2.3 10.0.0.1 10.255.255.255 100.64.0.0 100.127.255.255 100.100.100.200 127.0.0.1 127.255.255.254
169.254.0.1 169.254.169.254 172.16.0.0 172.31.255.255 192.0.0.1 192.0.0.9 192.0.2.1 192.31.196.1 192.52.193.1
192.88.99.1 192.168.0.1 192.175.48.1 198.18.0.1 198.19.255.255 198.51.100.1 203.0.113.1 224.0.0.1
239.255.255.255 240.0.0.1 255.255.255.255 168.63.129.16
:: ::1 ::127.0.0.1 ::8.8.8.8 ::ffff:127.0.0.1 ::ffff:10.0.0.1 ::ffff:169.254.169.254 ::ffff:0:127.0.0.1
64:ff9b::7f00:1 64:ff9b::a9fe:a9fe 64:ff9b:1::a00:1 100::1 2001::1 2001:0:4136:e378:8000:63bf:3f57:fdf2
2001:2::1 2001:10::1 2001:20::1 2001:1ff:ffff::1 2001:db8::1 2002:7f00:1:: 2002:c0a8:1::1 2002:a9fe:a9fe::1
2620:4f:8000::1 3fff::1 3fff:fff:ffff::1 fc00::1 fd00:ec2::254 fe80::1 fe80::1%eth0 2606:4700:4700::1111%eth0
64:ff9b::a00:1 64:ff9b::808:808%eth0 64:ff9b:1::808:808
feef::1 fec0::1 ff02::1 ff0e::1 5f00::1 4000::1
"""

PUBLIC = """
1.1.1.1 8.8.8.8 100.63.255.255 100.128.0.0 172.15.255.255 172.32.0.0 192.0.1.0 192.169.0.0 192.167.255.255
198.17.255.255 198.20.0.0 223.255.255.255 11.0.0.0 9.255.255.255 128.0.0.0 126.255.255.255 168.63.129.15
1.0.0.0 169.253.255.255 169.255.0.0 ::ffff:8.8.8.8 2606:4700:4700::1111 2001:4860:4860::8888 2001:200::1
2a00:1450:4001::1 3ffe::1 2003::1 2620:4f:8001::1 64:ff9b::808:808
"""

METADATA = """
169.254.169.254 169.254.170.2 100.100.100.200 168.63.129.16 fd00:ec2::254 ::ffff:169.254.169.254
::a9fe:a9fe 64:ff9b::a9fe:a9fe 64:ff9b:1::a9fe:a9fe 2002:a9fe:a9fe::1
"""


@pytest.mark.parametrize("ip", REFUSED.split())
def test_s_addr_an_address_that_is_not_public_is_refused(ip):
    assert AddressPolicy().refusal(ip, 443)


@pytest.mark.parametrize("ip", PUBLIC.split())
def test_s_addr_a_public_address_may_be_connected_to(ip):
    assert AddressPolicy().refusal(ip, 443) is None


@pytest.mark.parametrize("ip", METADATA.split())
def test_s_addr_a_metadata_service_stays_refused_when_everything_is_allowed(ip):
    policy = AddressPolicy(parse_allow("0.0.0.0/0 [::]/0"))
    assert "metadata" in policy.refusal(ip, 80)


@pytest.mark.parametrize("text", ["", "127.1", "0x7f000001", "2130706433", "localhost", "127.0.0.1\n", "127.0.0.01"])
def test_s_addr_what_is_no_plain_address_is_always_refused(text):
    """What is no plain address is refused even when everything is allowed."""
    assert AddressPolicy(parse_allow("0.0.0.0/0 [::]/0")).refusal(text, 80)


@given(st.ip_addresses(v=4))
def test_s_addr_a_mapped_address_is_judged_as_its_ipv4_address(ip):
    """A mapped address is judged as the IPv4 address in it."""
    mapped = str(ipaddress.IPv6Address(f"::ffff:{ip}"))
    assert bool(AddressPolicy().refusal(mapped, 80)) == bool(AddressPolicy().refusal(str(ip), 80))


@given(st.ip_addresses())
def test_s_addr_nothing_passes_that_the_standard_library_calls_private_or_reserved(ip):
    ip = getattr(ip, "ipv4_mapped", None) or ip
    if ip in WELL_KNOWN_NAT64:
        ip = ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
    if not ip.is_global or ip.is_multicast or ip.is_reserved:
        assert AddressPolicy().refusal(str(ip), 80)


@pytest.mark.parametrize(  # RFC 6052, 2.4: each holds 192.0.2.33
    ("prefix", "ip"),
    [
        ("2001:db8::/32", "2001:db8:c000:221::"),
        ("2001:db8:100::/40", "2001:db8:1c0:2:21::"),
        ("2001:db8:122::/48", "2001:db8:122:c000:2:2100::"),
        ("2001:db8:122:300::/56", "2001:db8:122:3c0:0:221::"),
        ("2001:db8:122:344::/64", "2001:db8:122:344:c0:2:2100::"),
        ("2001:db8:122:344::/96", "2001:db8:122:344::192.0.2.33"),
    ],
)
def test_t6_an_address_with_a_prefix_of_the_operator_is_judged_by_the_ipv4_address_in_it(prefix, ip):
    nat64 = parse_nat64(prefix)
    assert AddressPolicy(nat64=nat64).refusal(ip, 443)
    assert AddressPolicy(parse_allow("192.0.2.33"), nat64=nat64).refusal(ip, 443) is None
    assert AddressPolicy(parse_allow("192.0.2.32"), nat64=nat64).refusal(ip, 443)


def test_t6_behind_a_prefix_of_the_operator_metadata_and_booper_itself_stay_refused():
    policy = AddressPolicy(parse_allow("0.0.0.0/0"), OWN, nat64=parse_nat64("2001:db8:122::/48"))
    assert "metadata" in policy.refusal("2001:db8:122:a9fe:a9:fe00::", 80)
    assert "own" in policy.refusal("2001:db8:122:7f00:0:100::", 8000)
    assert policy.refusal("2001:db8:122:808:8:800::", 80) is None


@pytest.mark.parametrize(
    ("allow", "ip", "port", "passes"),
    [
        ("127.0.0.0/8", "127.9.9.9", 1, True),
        ("127.0.0.0/8", "10.0.0.1", 1, False),
        ("127.0.0.0/8", "::ffff:127.0.0.1", 1, True),
        ("::ffff:10.0.0.0/104", "10.255.0.1", 1, True),
        ("::ffff:10.0.0.0/104", "::ffff:10.255.0.1", 1, True),
        ("::ffff:10.0.0.0/104", "192.168.0.1", 1, False),
        ("[::ffff:a00:0]/104:8080", "10.1.2.3", 8080, True),
        ("[::ffff:a00:0]/104:8080", "10.1.2.3", 8081, False),
        ("::ffff:10.0.0.1", "10.0.0.1", 1, True),
        ("[::ffff:10.0.0.1]:80", "10.0.0.2", 80, False),
        ("::ffff:0:0/96", "192.168.0.1", 1, True),
        ("::fffe:0:0/96", "192.168.0.1", 1, False),
        ("10.0.0.0/8:8080", "10.1.2.3", 8080, True),
        ("10.0.0.0/8:8080", "10.1.2.3", 8081, False),
        ("[::1]/128", "::1", 80, True),
        ("[fd00::]/8:443", "fd12::1", 443, True),
        ("[fd00::]/8:443", "fd12::1", 80, False),
        ("192.168.7.7", "192.168.7.7", 80, True),
        ("192.168.7.7", "192.168.7.8", 80, False),
        ("192.168.7.7:80, 10.0.0.0/8", "10.0.0.1", 22, True),
        ("::1/128", "::1", 80, True),
    ],
)
def test_s_addr_the_operator_allows_networks_and_ports(allow, ip, port, passes):
    assert (AddressPolicy(parse_allow(allow)).refusal(ip, port) is None) == passes


@pytest.mark.parametrize(
    "item",
    [
        "localhost",
        "10.0.0.1/8",
        "10.0.0.0/33",
        "10.0.0.0/8:0",
        "10.0.0.0/8:65536",
        "10.0.0.0/8:x",
        "[::1",
        "*",
    ],
)
def test_a_bad_item_of_the_allow_list_is_named(item):
    """A bad item of the allow list is named with the accepted form."""
    with pytest.raises(ValueError, match=r"must be networks as CIDR\[:port\]") as raised:
        parse_allow(f"127.0.0.0/8 {item}")
    assert repr(item) in str(raised.value)


def test_an_empty_allow_list_allows_nothing_more():
    assert parse_allow("") == ()


OWN = frozenset({("127.0.0.1", 8000)})
EVERYWHERE = frozenset({("0.0.0.0", 8000)})


@pytest.mark.parametrize(
    ("own", "ip", "port", "path", "passes"),
    [
        (OWN, "127.0.0.1", 8000, "/api/jobs", False),
        (OWN, "127.0.0.1", 8000, "/", False),
        (OWN, "127.0.0.1", 8001, "/api/jobs", True),
        (OWN, "127.0.0.2", 8000, "/api/jobs", True),
        (OWN, "::ffff:127.0.0.1", 8000, "/api/jobs", False),
        (OWN, "64:ff9b::7f00:1", 8000, "/api/jobs", False),
        (OWN, "::127.0.0.1", 8000, "/api/jobs", False),
        (EVERYWHERE, "127.0.0.2", 8000, "/api/jobs", False),
        (EVERYWHERE, "::1", 8000, "/api/jobs", False),
        (EVERYWHERE, "9.9.9.9", 8000, "/api/jobs", True),
        (frozenset({("::", 8000)}), "127.0.0.1", 8000, "/api/jobs", False),
        (OWN, "127.0.0.1", 8000, "/api/echo", True),
        (OWN, "127.0.0.1", 8000, "/api/ping", True),
        (OWN, "127.0.0.1", 8000, "/api/broadcast", True),
        (OWN, "127.0.0.1", 8000, "/api/channels/demo", True),
        (OWN, "127.0.0.1", 8000, "/api/channels/../jobs", False),
        (OWN, "127.0.0.1", 8000, "/api/channels/%2e%2e/jobs", False),
        (OWN, "127.0.0.1", 8000, "/api/echo/../jobs", False),
        (OWN, "127.0.0.1", 8000, "/api/echo/", False),
        (OWN, "127.0.0.1", 8000, "/API/echo", False),
    ],
)
def test_s_time_boopers_own_address_is_refused_except_where_nothing_is_started(own, ip, port, path, passes):
    policy = AddressPolicy(parse_allow("0.0.0.0/0 [::]/0"), own, local=is_local)
    assert (policy.refusal(ip, port, path) is None) == passes


@pytest.mark.parametrize("ip", ["169.254.42.1", "169.254.169.254", "::ffff:169.254.0.1", "fe80::1%eth0"])
def test_s_addr_link_local_addresses_and_zones_stay_refused_whatever_is_allowed(ip):
    assert AddressPolicy(parse_allow("0.0.0.0/0,::/0")).refusal(ip, 80)


@pytest.mark.parametrize(
    ("own", "url", "is_own"),
    [
        ("https://booper.example", "https://booper.example/api/jobs", True),
        ("https://booper.example", "https://booper.example:8443/api/jobs", False),
        ("https://booper.example", "https://booper.example/api/echo", False),
        ("https://booper.example", "https://other.example/api/jobs", False),
        ("https://9.9.9.9", "https://[::ffff:9.9.9.9]/api/jobs", True),
        ("https://[::ffff:9.9.9.9]", "https://9.9.9.9/api/jobs", True),
        ("https://9.9.9.9", "https://[::ffff:9.9.9.8]/api/jobs", False),
        ("https://9.9.9.9", "https://[64:ff9b::9.9.9.9]/api/jobs", True),
        ("https://9.9.9.9", "https://[64:ff9b::9.9.9.8]/api/jobs", False),
        ("https://9.9.9.9", "https://[64:ff9b::9.9.9.9]/api/echo", False),
        ("https://9.9.9.9", "https://[2001:db8:64::9.9.9.9]/api/jobs", True),
        ("https://9.9.9.9", "https://[2001:db8:65::9.9.9.9]/api/jobs", False),
    ],
)
def test_a_public_url_of_booper_is_known_by_its_address_however_it_is_written(own, url, is_own):
    policy = AddressPolicy(own_origins=origins(own), nat64=parse_nat64("64:ff9b::/96 2001:db8:64::/96"))
    target = split_url(url)
    assert policy.is_own_origin(target.host, target.port, target.path) == is_own
