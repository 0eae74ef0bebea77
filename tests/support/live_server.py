"""A Booper that clients reach by real sockets, and a front before it that loses answers."""

import http.client
import threading
import time
import uuid
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from models.accounts import key_format
from tests.support.journeys.product import Embedded

LOSE = "lose"
NOT_BOOPER = b"<html>not Booper</html>"


class LiveServer(Embedded):
    """`booper serve` on SQLite; each test has an account of its own."""

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    def new_key(self):
        """The key of a new account."""
        key, now = key_format.new_key(), time.time_ns() // 1000
        self.sql(
            "INSERT INTO account (uuid, name, created_at) VALUES (%s, %s, %s)", (str(uuid.uuid4()), key[-12:], now)
        )
        self.sql(
            "INSERT INTO api_key (uuid, account_id, name, sha256, shown_as, created_at) "
            "SELECT %s, id, '', %s, 'sk_', %s FROM account WHERE name = %s",
            (str(uuid.uuid4()), key_format.digest(key), now, key[-12:]),
        )
        return key


class LossyFront:
    """Forwards to a server. `script` says what becomes of the next requests: LOSE forwards one and closes without the
    answer; a status, or a status and headers, is answered in place of the server; None forwards as always."""

    def __init__(self, target_port, *script):
        self.script = list(script)
        self.requests = []
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _Forwarding)
        self._server.front, self._server.target_port = self, target_port
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._server.shutdown()
        self._thread.join(5)
        self._server.server_close()

    def next(self):
        return self.script.pop(0) if self.script else None


class _Forwarding(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def answer(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        headers = {name.lower(): value for name, value in self.headers.items()}
        front = self.server.front
        front.requests.append((self.command, self.path, headers, body))
        match front.next():
            case int(status):
                self._write(status, {}, NOT_BOOPER)
            case (status, headers):
                self._write(status, headers, NOT_BOOPER)
            case step:
                self._forward(body, step == LOSE)

    def _forward(self, body, lose):
        connection = http.client.HTTPConnection("127.0.0.1", self.server.target_port, timeout=30)
        connection.request(self.command, self.path, body, dict(self.headers.items()))
        answer = connection.getresponse()
        content = answer.read()
        connection.close()
        self.close_connection = lose
        if not lose:
            self._write(answer.status, dict(answer.getheaders()), content)

    def _write(self, status, headers, content):
        self.send_response(status)
        for name, value in headers.items():
            if name.lower() not in ("content-length", "connection", "transfer-encoding"):
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = answer

    def log_message(self, *_):
        pass
