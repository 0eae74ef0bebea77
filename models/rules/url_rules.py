"""Parses a target URL: checks its syntax, and splits it into host, port and request target.

Used twice: when a job is created, so that a bad URL is answered at once, and when it is sent, so that the checked URL
is the one that is connected to. It looks nothing up: the address policy decides at sending time whether the addresses
behind a name may be reached.
"""

import ipaddress
import re
import unicodedata
from functools import lru_cache
from typing import NamedTuple

import idna

MAX_URL_CHARS = 8192
MAX_NAME_CHARS = 253
DEFAULT_PORTS = {"http": 80, "https": 443}

_URL = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):(//)?([^/?#]*)([^#]*)(#.*)?", re.DOTALL)
_AUTHORITY = re.compile(r"(\[[^\[\]]*\]|[^:\[\]]*)(?::(.*))?", re.DOTALL)
_LABEL = re.compile(r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?")
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")
_PORT = re.compile(r"[1-9][0-9]{0,4}")
_ASCII_FORBIDDEN = re.compile(r"[\x00-\x20\x7f]")
# What RFC 3986 allows in no URL: strict servers answer 400 to it.
_TO_ENCODE = re.compile(r"""[^\x00-\x7f]+|[{}|^"<>\\`]""")
_FORBIDDEN_CATEGORIES = frozenset({"Cc", "Cs", "Zs", "Zl", "Zp"})
_DISGUISED_USER = re.compile(r"[?#]\\?@")


class UrlRefused(ValueError):
    """The URL cannot be a target; the text is "must be …, got …" without user name, password and query."""


class Target(NamedTuple):
    """The parts of a URL that connecting and requesting need.

    `host` is lower-case ASCII (a name without trailing dot, an IPv4, or an IPv6 without brackets; a mapped address
    as the IPv4 that it stands for). What goes by hosts compares it, so each host is spelled in one way.
    `host_header` is the `Host` of the request, `path` ends before the query, and `request_target` is path
    and query as given, with only those characters percent-encoded (as UTF-8) that no URL may hold. The fragment is
    dropped.
    """

    scheme: str
    host: str
    port: int
    host_header: str
    path: str
    request_target: str


def check_url(url: str, allow_http: bool) -> None:
    """Raise UrlRefused unless a job may be created for this URL; http passes only when `allow_http`."""
    scheme = split_url(url).scheme
    if scheme == "http" and not allow_http:
        raise UrlRefused("must be an https URL, got 'http://…'")


def split_url(url: str) -> Target:
    """The parts of an http or https URL; UrlRefused when it is anything else or could be read in two ways."""
    if not isinstance(url, str):
        raise UrlRefused(f"must be a string, got {type(url).__name__}")
    return _split(url)


@lru_cache(maxsize=512)
def _split(url: str) -> Target:
    """Cached for some URLs, since the same few targets are used again."""
    _check_characters(url)
    match = _URL.fullmatch(url)
    if match is None:
        raise UrlRefused("must be an https URL such as https://example.com/path, got one without a scheme")
    scheme, slashes, authority, rest, fragment = match.groups()
    _check_shape(scheme.lower(), slashes, authority, rest + (fragment or ""))
    host, port, host_header = _split_authority(scheme.lower(), authority)
    target = _request_target(rest)
    return Target(scheme.lower(), host, port, host_header, target.partition("?")[0], target)


def origins(text: str) -> frozenset[tuple[str, int]]:
    """(host, port) of each URL, parted by commas or spaces. UrlRefused (a ValueError) when one is no URL, or has a
    path: it would promise that only what lies below is meant."""
    targets = [split_url(url) for url in text.replace(",", " ").split()]
    if any(target.request_target != "/" for target in targets):
        raise UrlRefused(f"must have no path, got {text[:100]!r}")
    return frozenset((target.host, target.port) for target in targets)


def is_literal(host: str) -> bool:
    """Whether a Target's host is an address, which needs no lookup."""
    return ":" in host or host.rpartition(".")[2].isdigit()


def _check_characters(url: str) -> None:
    if len(url) > MAX_URL_CHARS:
        raise UrlRefused(f"must be at most {MAX_URL_CHARS} characters, got {len(url)}")
    if url.isascii() and not _ASCII_FORBIDDEN.search(url):
        return
    bad = next((c for c in url if unicodedata.category(c) in _FORBIDDEN_CATEGORIES), None)
    if bad is not None:
        raise UrlRefused(f"must have no space or control character (percent-encode it), got {ascii(bad)}")


def _check_shape(scheme: str, slashes: str | None, authority: str, rest: str) -> None:
    if scheme not in DEFAULT_PORTS:
        raise UrlRefused(f"must be an https URL, got the scheme {scheme[:20]!r}")
    if not slashes or not authority:
        raise UrlRefused(f"must name a host after '{scheme}://', got none")
    if "@" in authority or _DISGUISED_USER.match(rest):
        raise UrlRefused("must have no user name or password; send an Authorization header, got an '@' by the host")


@lru_cache(maxsize=4096)
def _split_authority(scheme: str, authority: str) -> tuple[str, int, str]:
    """(host, port, Host header); cached, since the same few targets are sent to again."""
    match = _AUTHORITY.fullmatch(authority)
    if match is None:
        raise UrlRefused(f"must have one host and at most one port, IPv6 in brackets, got {authority[:100]!r}")
    host, port = _host(match[1]), _port(match[2], DEFAULT_PORTS[scheme])
    bracketed = f"[{host}]" if ":" in host else host
    return host, port, bracketed if port == DEFAULT_PORTS[scheme] else f"{bracketed}:{port}"


def _port(text: str | None, default: int) -> int:
    if text is None:
        return default
    if not _PORT.fullmatch(text) or int(text) > 65535:
        raise UrlRefused(f"must have a port from 1 to 65535, got {text[:20]!r}")
    return int(text)


def _host(text: str) -> str:
    if text.startswith("["):
        return _ipv6(text)
    if len(text) > MAX_NAME_CHARS + 1:
        raise UrlRefused(f"must have a host of at most {MAX_NAME_CHARS} characters, got {len(text)}")
    name = _ascii_name(text).removesuffix(".")
    labels = name.split(".")
    if _NUMBER.fullmatch(labels[-1]):
        return _ipv4(name, text)
    if len(name) > MAX_NAME_CHARS or not all(map(_LABEL.fullmatch, labels)):
        raise UrlRefused(f"must have a host of letters, digits, hyphens and dots, got {text[:100]!r}")
    return name


def _ipv6(text: str) -> str:
    try:
        if "%" in text:
            raise ValueError(text)
        address = ipaddress.IPv6Address(text[1:-1])
    except ValueError:
        raise UrlRefused(f"must have an IPv6 address without zone in the brackets, got {text[:60]!r}") from None
    return str(address.ipv4_mapped or address)


def _ipv4(name: str, text: str) -> str:
    """A host that ends in a number is an IPv4 address in one of many spellings; only the plain one is
    taken.
    """
    try:
        if not text.isascii():
            raise ValueError(text)
        return str(ipaddress.IPv4Address(name))
    except ValueError:
        raise UrlRefused(f"must spell an IPv4 address as four numbers 0 to 255, got {text[:100]!r}") from None


def _ascii_name(text: str) -> str:
    if text.isascii() and "xn--" not in text.lower():
        return text.lower()
    try:
        return idna.encode(text, uts46=True, std3_rules=True).decode("ascii").lower()
    except (idna.IDNAError, UnicodeError):
        raise UrlRefused(f"must have a host name that IDNA 2008 allows, got {ascii(text[:60])}") from None


def _request_target(rest: str) -> str:
    encoded = _TO_ENCODE.sub(lambda match: "".join(f"%{byte:02X}" for byte in match[0].encode()), rest)
    return encoded if encoded.startswith("/") else "/" + encoded
