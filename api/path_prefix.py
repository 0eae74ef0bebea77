"""Serves the app below a path, as a proxy may: addresses that it gives begin with the path."""

from collections.abc import Callable, Iterable
from typing import Any


def below(prefix: str, wsgi: Any) -> Any:
    """The app below this path, which its proxy may remove from requests or leave in place."""

    def serve(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        path = environ.get("PATH_INFO", "")
        if path == prefix or path.startswith(f"{prefix}/"):
            environ["PATH_INFO"] = path.removeprefix(prefix) or "/"
        environ["SCRIPT_NAME"] = prefix
        answer: Iterable[bytes] = wsgi(environ, start_response)
        return answer

    return serve if prefix else wsgi
