"""Traces of both modes under way, sent to a collector that only remembers what came."""

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from tests.support.journeys.client import now_us
from tests.support.journeys.journey import FEWER_CONNECTIONS, spread
from tests.support.journeys.product import Embedded, Production
from tests.support.waiting import wait_until


@pytest.fixture
def collector():
    came = []

    class Collector(BaseHTTPRequestHandler):
        def do_POST(self):
            came.append((self.path, self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Collector)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    server.came = came
    yield server
    server.shutdown()
    thread.join(60)
    server.server_close()


def span_names(came):
    return {
        name for name in (b"POST /api/jobs", b"publish deliver", b"attempt POST") for _, body in came if name in body
    }


@pytest.mark.parametrize("mode", [Embedded, Production])
def test_spans_of_every_part_reach_the_collector(mode, collector, tmp_path, receiver, request):
    settings = FEWER_CONNECTIONS | {"BOOPER_OTEL_ENDPOINT": f"http://127.0.0.1:{collector.server_port}"}
    services = [request.getfixturevalue(name) for name in ("postgres_url", "broker")] if mode is Production else []
    with mode(tmp_path, *services, **settings) as product:
        product.client(receiver.port).create_all(list(spread(3, now_us(), 0)))
        wait_until(lambda: receiver.arrived() == 3, 60, "every attempt")
        assert set(product.stop().values()) == {0}
    assert {path for path, _ in collector.came} == {"/v1/traces"}
    assert span_names(collector.came) == {b"POST /api/jobs", b"publish deliver", b"attempt POST"}
