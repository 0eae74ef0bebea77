"""Sends a request to the server on this machine that the developer named, and to no other.

By http.client, since requests and httpx would write some paths in another way than they came. No redirect is followed,
no proxy and no password file of the machine counts. `Host` is that of the named server; every other header, and so the
signature, is as Booper wrote it, and the body is the same bytes.
"""

import http.client
import re
import time
from collections.abc import Iterable, Iterator
from urllib.parse import urlsplit

from booper_client.models.listeners import LocalAnswer, TakenRequest

WITH_LENGTH = ("POST", "PUT", "PATCH")
PIECE = 65_536
MAX_HEADERS, MAX_HEADER_CHARS = 100, 60_000  # as many as the API takes
NAME, TEXT = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"), re.compile(r"[^\x00-\x08\x0a-\x1f\x7f]*")


class LocalServer:
    """The server at `url`: http or https, a host, perhaps a port, and a path under which all requests go."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url if "://" in url else f"http://{url}")
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.username or parts.query:
            raise ValueError(f"must be such as http://localhost:3000, got {url!r}")
        self._is_tls, self._host, self._port = parts.scheme == "https", parts.hostname, parts.port
        self._path = parts.path.rstrip("/")
        self.url = f"{parts.scheme}://{parts.netloc}{self._path}"

    def send(self, request: TakenRequest) -> LocalAnswer:
        """What came of it, within the time that is left."""
        ends = time.monotonic() + request.seconds_left
        kind = http.client.HTTPSConnection if self._is_tls else http.client.HTTPConnection
        connection = kind(self._host, self._port)
        try:
            connection.timeout = _left(ends)
            return self._exchange(connection, request, ends)
        except ConnectionRefusedError:
            return LocalAnswer(error="connection_refused")
        except (ConnectionResetError, BrokenPipeError):
            return LocalAnswer(error="connection_reset")  # also when nothing was answered
        except TimeoutError:
            return LocalAnswer(error="timeout")
        except (http.client.HTTPException, ValueError):
            return LocalAnswer(error="protocol")
        except OSError:
            return LocalAnswer(error="connection_failed")
        finally:
            connection.close()

    def _exchange(self, connection: http.client.HTTPConnection, request: TakenRequest, ends: float) -> LocalAnswer:
        connection.putrequest(request.method, self._path + request.path, skip_accept_encoding=True)
        for name, value in self._headers(request):
            connection.putheader(name, value.encode())
        connection.endheaders(request.body)
        socket = connection.sock
        socket.settimeout(_left(ends))
        response = connection.getresponse()
        if not 200 <= response.status <= 599:
            return LocalAnswer(error="protocol")
        body = b"".join(_pieces(response, socket, request.keep_bytes, ends))
        headers = tuple(_fitting(response.getheaders()))
        return LocalAnswer(response.status, headers, body[: request.keep_bytes], len(body) > request.keep_bytes)

    def _headers(self, request: TakenRequest) -> list[tuple[str, str]]:
        headers = list(request.headers.items())
        if "accept-encoding" not in {name.lower() for name, _ in headers}:
            headers.append(("Accept-Encoding", "identity"))
        if request.body is not None or request.method in WITH_LENGTH:
            headers.append(("Content-Length", str(len(request.body or b""))))
        return headers


def _pieces(response: http.client.HTTPResponse, socket: object, limit: int, ends: float) -> Iterator[bytes]:
    """The body, and a byte more than the limit where there is more."""
    size = 0
    while size <= limit:
        socket.settimeout(_left(ends))  # type: ignore[attr-defined]
        piece = response.read1(min(PIECE, limit + 1 - size))
        if not piece:
            return
        size += len(piece)
        yield piece


def _fitting(headers: Iterable[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    """Those that the API takes."""
    chars = 0
    for name, value in list(headers)[:MAX_HEADERS]:
        chars += len(name) + len(value)
        if NAME.fullmatch(name) and TEXT.fullmatch(value) and chars <= MAX_HEADER_CHARS:
            yield name, value


def _left(ends: float) -> float:
    left = ends - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return left
