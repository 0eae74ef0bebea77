"""A customer that sends digests: a process-less HTTP server that keeps what it was sent and answers as told.

It imports nothing of Booper. `answers` are given one after another, the last one for ever; `bodies` are the parsed
bodies in the order they came.
"""

import json
import threading
from collections.abc import Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self


class Customer:
    def __init__(self, answers: Sequence[Any]) -> None:
        self.answers, self.bodies = list(answers), []
        self._lock = threading.Lock()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._answering())
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), name="customer", daemon=True)
        self.url = f"http://127.0.0.1:{self._server.server_port}/digest"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join(5)
        self._server.server_close()

    def take(self, body: bytes) -> bytes:
        with self._lock:
            self.bodies.append(json.loads(body) if body else None)
            answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        return json.dumps(answer).encode()

    def _answering(self) -> type[BaseHTTPRequestHandler]:
        customer = self

        class Answering(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                answer = customer.take(self.rfile.read(int(self.headers.get("Content-Length") or 0)))
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *_: object) -> None:
                pass

        return Answering
