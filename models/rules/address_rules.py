"""Judges which IP addresses may be connected to, before and after connecting.

The public Internet only, unless the operator opened more; never a cloud's metadata service; never Booper's
own API, except its few endpoints that start nothing. Pure, but for asking whether an address is this
machine's.
"""

import ipaddress
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from models.rules.url_rules import is_literal

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def _networks(text: str) -> tuple[Network, ...]:
    return tuple(map(ipaddress.ip_network, text.split()))


_REFUSED_V4 = _networks(
    "0.0.0.0/8 10.0.0.0/8 100.64.0.0/10 127.0.0.0/8 169.254.0.0/16 172.16.0.0/12 192.0.0.0/24 192.0.2.0/24 "
    "192.31.196.0/24 192.52.193.0/24 192.88.99.0/24 192.168.0.0/16 192.175.48.0/24 198.18.0.0/15 "
    "198.51.100.0/24 203.0.113.0/24 224.0.0.0/4 240.0.0.0/4 168.63.129.16/32"
)
_GLOBAL_V6 = ipaddress.IPv6Network("2000::/3")
_REFUSED_V6 = _networks("2001::/23 2001:db8::/32 2002::/16 3fff::/20 2620:4f:8000::/48")
_METADATA = _networks(
    "169.254.0.0/16 100.100.100.200 168.63.129.16 192.0.0.192 fd00:ec2::254 fd00:ec2::23 fd20:ce::254"
)
_V4_CARRIERS = _networks("::/96 64:ff9b::/96 64:ff9b:1::/48")
NAT64_LENGTHS = (32, 40, 48, 56, 64, 96)  # RFC 6052, 2.2
WELL_KNOWN_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
_MAPPED = ipaddress.IPv6Network("::ffff:0:0/96")
_WILDCARDS = ("0.0.0.0", "::", "")  # noqa: S104
_OWN_PATHS = re.compile(r"/api/(?:echo|ping|broadcast|channels/[A-Za-z0-9_-]+)")
_ALLOW = re.compile(r"(?:\[(?P<v6>[^\]]+)\]|(?P<v4>[0-9.]+))(?P<length>/[0-9]+)?(?::(?P<port>[0-9]{1,5}))?")


class Allowed(NamedTuple):
    """One item of the operator's allow-list; `port` None means any."""

    network: Network
    port: int | None = None


def every_address(_ip: str) -> bool:
    """Takes each address for one of this machine: the safe default of a policy."""
    return True


@dataclass(frozen=True, slots=True)
class AddressPolicy:
    """`allowed` widens the public Internet; `own` are Booper's listen addresses as (ip, port), where the ip
    0.0.0.0, :: or "" means every address of this machine, which `local` tells; `own_origins` are the hosts and
    ports of its public URLs. An address with a prefix of `nat64` is judged by the IPv4 address in it, to which a
    translator will connect. `hides_names`: a name that leads to a refused address looks to its owner like one that
    does not exist.
    """

    allowed: tuple[Allowed, ...] = ()
    own: frozenset[tuple[str, int]] = frozenset()
    own_origins: frozenset[tuple[str, int]] = frozenset()
    local: Callable[[str], bool] = every_address
    nat64: tuple[ipaddress.IPv6Network, ...] = (WELL_KNOWN_NAT64,)
    hides_names: bool = False

    def refusal(self, ip: str, port: int, path: str = "/") -> str | None:
        """None when `ip`:`port` may be connected to for a request of `path`, else why not."""
        try:
            sent_to = _unmapped(ipaddress.ip_address(ip))
        except ValueError:
            return f"{ip!r} is no address"
        if getattr(sent_to, "scope_id", None) is not None:
            return f"{ip} has a zone"
        address = self._reached(sent_to)
        if any(each in network for each in (address, _carried_v4(sent_to)) for network in _METADATA):
            return f"{ip} is a metadata service"
        if self.is_own(ip, port, path):
            return f"{ip} port {port} is Booper's own address"
        networks = [item.network for item in self.allowed if item.port in (None, port)]
        if any(each in network for each in (address, sent_to) for network in networks):
            return None
        return None if _is_public(address) else f"{ip} is not a public address and not in BOOPER_TARGET_ALLOW"

    def is_own_origin(self, host: str, port: int, path: str) -> bool:
        """Whether a request to `path` at a host that is not yet looked up would come back to Booper through its proxy
        at an endpoint that may start work."""
        own_hosts = {own_host for own_host, own_port in self.own_origins if own_port == port}
        if not own_hosts or _OWN_PATHS.fullmatch(path):
            return False
        return not own_hosts.isdisjoint(self._meant(host) if is_literal(host) else {host})

    def is_own(self, ip: str, port: int, path: str) -> bool:
        """Whether a request to `path` there would come back to Booper at an endpoint that may start work."""
        if port not in {own_port for _, own_port in self.own} or _OWN_PATHS.fullmatch(path):
            return False
        everywhere = any((wildcard, port) in self.own for wildcard in _WILDCARDS)
        return any((each, port) in self.own or (everywhere and self.local(each)) for each in self._meant(ip))

    def _meant(self, ip: str) -> set[str]:
        """The address, and the IPv4 addresses to which a translator may send what is sent there."""
        address = _unmapped(ipaddress.ip_address(ip))
        return {str(address), str(_carried_v4(address)), str(self._reached(address))}

    def _reached(self, address: Address) -> Address:
        """The IPv4 address to which a translator of `nat64` connects, else the address itself."""
        if isinstance(address, ipaddress.IPv6Address):
            for prefix in self.nat64:
                if address in prefix:
                    return _embedded_v4(address, prefix.prefixlen)
        return address


def parse_allow(text: str) -> tuple[Allowed, ...]:
    """The allow-list of BOOPER_TARGET_ALLOW, items parted by commas or spaces; ValueError names the bad
    item.
    """
    return tuple(map(_parse_item, text.replace(",", " ").split()))


def _parse_item(item: str) -> Allowed:
    match = _ALLOW.fullmatch(item)
    try:
        if match is None:
            return Allowed(_unmapped_network(ipaddress.ip_network(item)))
        port = int(match["port"]) if match["port"] else None
        if port is not None and not 1 <= port <= 65535:
            raise ValueError(item)
        network = ipaddress.ip_network((match["v6"] or match["v4"]) + (match["length"] or ""))
        return Allowed(_unmapped_network(network), port)
    except ValueError:
        raise ValueError(
            f"must be networks as CIDR[:port], such as 127.0.0.0/8, 10.0.0.0/8:8080 or [fd00::]/8:443, got {item!r}"
        ) from None


def parse_nat64(text: str) -> tuple[ipaddress.IPv6Network, ...]:
    """The prefixes of BOOPER_NAT64_PREFIXES, parted by commas or spaces; ValueError names the bad one."""
    return tuple(map(_parse_nat64, text.replace(",", " ").split()))


def _parse_nat64(item: str) -> ipaddress.IPv6Network:
    prefix = ipaddress.IPv6Network(item)
    if prefix.prefixlen not in NAT64_LENGTHS:
        raise ValueError(f"must be a prefix of 32, 40, 48, 56, 64 or 96 bits, got {item!r}")
    if prefix.subnet_of(_MAPPED):
        raise ValueError(f"no translator has the prefix of mapped addresses, got {item!r}")
    return prefix


def _embedded_v4(address: ipaddress.IPv6Address, prefix_bits: int) -> ipaddress.IPv4Address:
    """The four octets behind the prefix, without the ninth octet of the address, which is kept free (RFC 6052, 2.2)."""
    octets, first = address.packed[:8] + address.packed[9:], prefix_bits // 8
    return ipaddress.IPv4Address(address.packed[12:] if prefix_bits == 96 else octets[first : first + 4])


def _unmapped_network(network: Network) -> Network:
    """The IPv4 network that a network of mapped addresses stands for, since addresses are judged so; else itself."""
    if isinstance(network, ipaddress.IPv6Network) and network.subnet_of(_MAPPED):
        first = ipaddress.IPv4Address(int(network.network_address) & 0xFFFFFFFF)
        return ipaddress.IPv4Network((first, network.prefixlen - _MAPPED.prefixlen))
    return network


def _unmapped(address: Address) -> Address:
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return mapped or address


def _carried_v4(address: Address) -> Address:
    """The IPv4 address that a translator (NAT64, 6to4, IPv4-compatible) would send to, else the address
    itself.
    """
    if isinstance(address, ipaddress.IPv4Address):
        return address
    if any(address in carrier for carrier in _V4_CARRIERS):
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address.sixtofour or address


def _is_public(address: Address) -> bool:
    if isinstance(address, ipaddress.IPv4Address):
        return not any(address in network for network in _REFUSED_V4)
    if address.scope_id is not None or address not in _GLOBAL_V6:
        return False
    return not any(address in network for network in _REFUSED_V6)
