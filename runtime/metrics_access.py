"""Decides who may read /metrics: clients on this machine, and clients with the token.

A proxy on this machine also connects from loopback, on behalf of others. So a request with a header of a proxy, or with
another host's name, does not count as local.
"""

import hmac
import ipaddress
from collections.abc import Mapping
from typing import Any

PATH = "/metrics"
FORWARDED = (
    *("HTTP_FORWARDED", "HTTP_VIA", "HTTP_X_REAL_IP", "HTTP_X_CLIENT_IP", "HTTP_TRUE_CLIENT_IP"),
    *("HTTP_CF_CONNECTING_IP", "HTTP_X_ORIGINAL_FOR", "HTTP_CLIENT_IP"),
)
FORWARDED_PREFIX = "HTTP_X_FORWARDED"


def may_read(environ: Mapping[str, Any], token: str) -> bool:
    """Whether the request of this WSGI environment may see the metrics. `token`: "" when there is none."""
    scheme, _, sent = environ.get("HTTP_AUTHORIZATION", "").partition(" ")
    if token and scheme.lower() == "bearer" and hmac.compare_digest(sent.strip().encode(), token.encode()):
        return True
    return is_loopback(environ.get("REMOTE_ADDR", "")) and not _forwarded(environ) and _names_loopback(environ)


def is_loopback(address: str) -> bool:
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return False
    mapped = getattr(parsed, "ipv4_mapped", None)
    return (mapped or parsed).is_loopback


def _forwarded(environ: Mapping[str, Any]) -> bool:
    return any(name in FORWARDED or name.startswith(FORWARDED_PREFIX) for name in environ)


def _names_loopback(environ: Mapping[str, Any]) -> bool:
    """Whether `Host` is a name of loopback. A page of another site, in a browser here, sends that site's name."""
    host = environ.get("HTTP_HOST", "").lower()
    name = host.rpartition(":")[0] if host.rpartition(":")[2].isdigit() else host
    return name == "localhost" or is_loopback(name.strip("[]"))
