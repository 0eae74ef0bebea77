"""Owns the fake customer of in-process tests: an HTTP server on loopback that remembers what arrived."""

import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import NamedTuple


class ReceivedRequest(NamedTuple):
    method: str
    path: str
    headers: dict
    body: bytes


class Server(ThreadingHTTPServer):
    """With a queue that takes the connections of many jobs at once."""

    request_queue_size = 128


class RecordingReceiver:
    """Answers `status` (200) to everything; a path /status/NNN answers NNN, /hang waits for `let_go`,
    /slow takes 0.1 s."""

    def __init__(self):
        self.arrivals = []
        self.let_go = threading.Event()
        self._server = Server(("127.0.0.1", 0), self._handler_class())
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), name="receiver", daemon=True)

    def start(self):
        self._thread.start()

    def stop(self):
        self.let_go.set()
        self._server.shutdown()
        self._thread.join(5)
        self._server.server_close()

    def _handler_class(self):
        receiver = self

        class Answering(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def answer(self):
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                receiver.arrivals.append(ReceivedRequest(self.command, self.path, dict(self.headers.items()), body))
                if self.path.startswith("/hang"):
                    receiver.let_go.wait(30)
                if self.path.startswith("/slow"):
                    time.sleep(0.1)
                status = int(self.path.split("/")[2]) if self.path.startswith("/status/") else 200
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", "11")
                self.end_headers()
                self.wfile.write(b'{"ok":true}')

            do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = answer

            def log_message(self, *_):
                pass

        return Answering
