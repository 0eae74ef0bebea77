"""Owns who may read /metrics, and the page as a worker serves it (the API has a view of its own).

Whoever asks from this machine itself may, and whoever has the token. A proxy on this machine asks from loopback too,
for strangers: a request that says it was forwarded, or that names another host, is not taken for a local one.
"""

import contextlib
import hmac
import ipaddress
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from runtime import metrics_files
from runtime.settings import Settings

FORWARDED = (
    *("HTTP_FORWARDED", "HTTP_VIA", "HTTP_X_REAL_IP", "HTTP_X_CLIENT_IP", "HTTP_TRUE_CLIENT_IP"),
    *("HTTP_CF_CONNECTING_IP", "HTTP_X_ORIGINAL_FOR", "HTTP_CLIENT_IP"),
)
FORWARDED_PREFIX = "HTTP_X_FORWARDED"
PATH = "/metrics"
THREADS = 2
CONNECTIONS = 20
SILENCE_LIMIT_S = 10
JOIN_LIMIT_S = 5.0


def may_read(environ: Mapping[str, Any], token: str) -> bool:
    """Whether the request of this WSGI environment may see the metrics. `token`: "" when there is none."""
    scheme, _, given = environ.get("HTTP_AUTHORIZATION", "").partition(" ")
    if token and scheme.lower() == "bearer" and hmac.compare_digest(given.strip().encode(), token.encode()):
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
    """Whether it asks for this machine by a name of loopback; a page in a browser here may ask by its own name."""
    host = environ.get("HTTP_HOST", "").lower()
    name = host.rpartition(":")[0] if host.rpartition(":")[2].isdigit() else host
    return name == "localhost" or is_loopback(name.strip("[]"))


def make_app(token: str) -> Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]:
    """A WSGI app that serves /metrics and nothing else."""

    def app(environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        if environ["PATH_INFO"] == PATH and environ["REQUEST_METHOD"] == "GET" and may_read(environ, token):
            start("200 OK", [("Content-Type", metrics_files.CONTENT_TYPE)])
            return [metrics_files.page()]
        from api.responses.responses import ApiError, error_text, new_request_id

        start("404 Not Found", [("Content-Type", "application/json")])
        return [error_text(ApiError(404), new_request_id()).encode()]

    return app


@contextlib.contextmanager
def served(settings: Settings, port: int) -> Iterator[None]:
    """The page of a worker, served by a thread while the block lasts; OSError when the port is taken. 0: no page."""
    if not port:
        yield
        return
    import waitress

    server = waitress.create_server(
        make_app(settings.metrics_token),
        host=settings.host,
        port=port,
        threads=THREADS,
        connection_limit=CONNECTIONS,
        channel_timeout=SILENCE_LIMIT_S,
        clear_untrusted_proxy_headers=False,
        ident=None,
    )
    thread = threading.Thread(target=server.run, name="metrics", daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.close()
        server.task_dispatcher.shutdown(True, JOIN_LIMIT_S)
        thread.join(JOIN_LIMIT_S)
