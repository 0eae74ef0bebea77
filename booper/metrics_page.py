"""Serves /metrics of a worker; the API has its own view. runtime/metrics_access.py decides who may read it."""

import contextlib
import threading
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from runtime import metrics_files, waitress_servers
from runtime.file_shortage import pause_without_files
from runtime.metrics_access import PATH, may_read
from runtime.settings import Settings

THREADS = 2
CONNECTIONS = 20
SILENCE_LIMIT_S = 10
JOIN_LIMIT_S = 5.0


def make_app(token: str) -> Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]:
    """A WSGI app that serves only /metrics."""

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
    """Serve the page in a thread while the block lasts; not if the port is 0. Raises OSError if the port is taken."""
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
    pause_without_files(server)
    thread = threading.Thread(target=server.run, name="metrics", daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.task_dispatcher.shutdown(True, JOIN_LIMIT_S)
        waitress_servers.end(server)
        thread.join(JOIN_LIMIT_S)
