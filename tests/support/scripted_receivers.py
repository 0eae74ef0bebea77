"""Receivers: fake customers that answer, and misbehave, over real sockets on loopback."""

import socket
import ssl
import threading
from collections.abc import Callable

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


def read_request(conn: socket.socket) -> bytes:
    """One request with its body, or b"" when the client has gone."""
    data = b""
    while b"\r\n\r\n" not in data:
        piece = conn.recv(65536)
        if not piece:
            return b""
        data += piece
    head, _, body = data.partition(b"\r\n\r\n")
    length = next((int(h[15:]) for h in head.split(b"\r\n") if h.lower().startswith(b"content-length:")), 0)
    while len(body) < length:
        body += conn.recv(65536)
    return head + b"\r\n\r\n" + body


class ScriptedReceiver:
    """Listens on a port of its own; `script(conn, receiver)` says what happens on each connection."""

    def __init__(self, script: Callable, host: str = "127.0.0.1", port: int = 0, tls: ssl.SSLContext | None = None):
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._listener = socket.create_server((host, port), family=family)
        self._script, self._tls = script, tls
        self.scheme = "https" if tls else "http"
        self.host, self.port = host, self._listener.getsockname()[1]
        self.requests: list[bytes] = []
        self.connections: list[socket.socket] = []
        self.closing = threading.Event()
        self._threads = [threading.Thread(target=self._accept, name="receiver")]
        self._threads[0].start()

    def url(self, path: str = "/", host: str | None = None) -> str:
        host = host or (f"[{self.host}]" if ":" in self.host else self.host)
        return f"{self.scheme}://{host}:{self.port}{path}"

    def close(self) -> None:
        if self.closing.is_set():
            return
        self.closing.set()
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for conn in self.connections:
            _end(conn)
        for thread in self._threads:
            thread.join(5)

    def _accept(self) -> None:
        while not self.closing.is_set():
            try:
                conn, _ = self._listener.accept()
            except OSError:
                return
            conn.settimeout(60)
            self.connections.append(conn)
            self._threads.append(threading.Thread(target=self._serve, args=(conn,), name="receiver"))
            self._threads[-1].start()

    def _serve(self, conn: socket.socket) -> None:
        try:
            if self._tls:
                conn = self._tls.wrap_socket(conn, server_side=True)
                self.connections.append(conn)
            self._script(conn, self)
        except OSError:
            pass
        finally:
            conn.close()


def _end(conn: socket.socket) -> None:
    try:
        conn.shutdown(socket.SHUT_RDWR)
    except OSError:
        conn.close()


def answering(*answers: bytes) -> Callable:
    """Answers request after request, the last answer for ever; then waits for the client to close."""

    def script(conn: socket.socket, receiver: ScriptedReceiver) -> None:
        left = list(answers)
        while request := read_request(conn):
            receiver.requests.append(request)
            conn.sendall(left.pop(0) if len(left) > 1 else left[0])

    return script


def answering_once(answer: bytes, reset: bool = False) -> Callable:
    """Answers one request and closes, properly or with a reset."""

    def script(conn: socket.socket, receiver: ScriptedReceiver) -> None:
        receiver.requests.append(read_request(conn))
        conn.sendall(answer)
        if reset:
            conn.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")

    return script


def dripping(first: bytes, drop: bytes, every_s: float) -> Callable:
    """Sends `first` at once and `drop` again and again."""

    def script(conn: socket.socket, receiver: ScriptedReceiver) -> None:
        receiver.requests.append(read_request(conn))
        conn.sendall(first)
        while not receiver.closing.wait(every_s):
            conn.sendall(drop)

    return script


def not_reading(conn: socket.socket, receiver: ScriptedReceiver) -> None:
    """Accepts and takes nothing."""
    receiver.closing.wait(10)


def reading_slowly(conn: socket.socket, receiver: ScriptedReceiver) -> None:
    """Takes a little of the request now and then."""
    while not receiver.closing.wait(0.05):
        conn.recv(1024)
