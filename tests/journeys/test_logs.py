"""No secret reaches the log, whatever it is hidden in, and every line of production is an object.

A canary stands wherever a client, a target or a stranger can put text; then everything that was written is read.
At DEBUG, the most that an operator can ask for.
"""

import contextlib
import http.client
import json
import socket
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from tests.support.journeys.ports import free_port
from tests.support.waiting import wait_until

CANARY = "canary7f3a"
DEBUG = {"BOOPER_LOG_LEVEL": "DEBUG"}


class Talkative(BaseHTTPRequestHandler):
    """Puts the canary in everything a target can say."""

    def do_POST(self):
        body = f"{CANARY} body".encode()
        self.send_response(int(self.path[1:4]), f"{CANARY} phrase")
        self.send_header("Set-Cookie", f"session={CANARY}")
        self.send_header("Location", f"http://{CANARY}:{CANARY}@127.0.0.1/?{CANARY}")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


@pytest.fixture
def target():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Talkative)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server.server_port
    server.shutdown()
    thread.join(60)
    server.server_close()


def say(port, method, path, headers=None, body=None):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    with contextlib.closing(connection):
        connection.request(method, path, body, headers or {})
        answer = connection.getresponse()
        return answer.status, answer.read()


def say_raw(port, text):
    with socket.create_connection(("127.0.0.1", port), timeout=60) as raw, contextlib.suppress(OSError):
        raw.sendall(text.encode())
        raw.recv(65536)


def order_with_canary(product, url):
    job = {
        "method": "post",
        "url": f"{url}?token={CANARY}",
        "query": {CANARY: CANARY},
        "body": {"password": CANARY},
        "headers": {"Authorization": f"Bearer {CANARY}", "Cookie": CANARY, f"X-{CANARY}": CANARY},
        "name": CANARY,
        "idempotency_key": f"{CANARY} {url}",
        "max_attempts": 1,
    }
    headers = {
        "Authorization": f"Bearer {product.key}",
        "Content-Type": "application/json",
        "Idempotency-Key": f"{CANARY} {url}",
        "X-Request-Id": CANARY,
        "User-Agent": CANARY,
        "Referer": f"http://{CANARY}@example.com/",
        "Cookie": CANARY,
    }
    status, text = say(product.port, "POST", f"/api/jobs?{CANARY}={CANARY}", headers, json.dumps(job))
    assert status in (201, 422), text
    return status


def ask_wrongly(product):
    """What an API can be asked that it refuses, with the canary in every part."""
    key = {"Authorization": f"Bearer {product.key}"}
    say(product.port, "GET", f"/{CANARY}/{CANARY}?{CANARY}", {"Authorization": f"Basic {CANARY}"})
    say(product.port, "GET", "/api/jobs", {"Authorization": f"Bearer sk_{CANARY}"})
    say(product.port, "GET", f"/api/jobs/{CANARY}?{CANARY}", key)
    say(product.port, CANARY.upper(), "/api/jobs", key)
    say(product.port, "POST", "/api/jobs", key | {"Content-Type": "application/json"}, f'{{"{CANARY}": ')
    say(product.port, "POST", "/api/jobs", key | {"Content-Type": CANARY}, CANARY)
    say(product.port, "GET", "/metrics", {"Authorization": f"Bearer {CANARY}", "X-Forwarded-For": CANARY})
    say_raw(product.port, f"{CANARY}\r\n\r\n")
    say_raw(product.port, f"GET /{CANARY}\x01 HTTP/1.1\r\nHost: {CANARY}\r\n{CANARY}\r\n\r\n")
    say_raw(product.port, f"GET /?{CANARY} HTTP/1.1\r\nHost: x\r\nX-{CANARY}: {'x' * 70_000}\r\n\r\n")


def drive(journey, target):
    """Jobs that end well and badly, and requests that are refused; then every line that was written."""
    product = journey.product
    urls = [f"http://127.0.0.1:{target}/{status}{CANARY}" for status in (200, 410, 500, 302)]
    urls += [f"http://127.0.0.1:{free_port()}/{CANARY}", f"https://127.0.0.1:{target}/{CANARY}", "http://10.0.0.1/"]
    assert [order_with_canary(product, url) for url in urls] == [201] * len(urls)
    assert order_with_canary(product, f"http://{CANARY}:{CANARY}@example.com/") == 422
    ask_wrongly(product)
    wait_until(lambda: product.sql("SELECT count(*) FROM attempt") == [(len(urls),)], 60, "every attempt")
    product.stop()
    lines = [line for running in product.processes.values() for line in running.log().splitlines()]
    attempts = [line for line in lines if "job.attempted" in line]
    assert len(attempts) == len(urls)
    assert len([line for line in lines if "booper.requests" in line]) >= len(urls)
    return lines


def lines_with_canary(lines):
    return [line for line in lines if CANARY in line.lower()]


@pytest.mark.parametrize("production", [DEBUG], indirect=True)
def test_production_writes_objects_and_no_secret(production, target):
    lines = drive(production, target)
    assert lines_with_canary(lines) == []
    assert [line for line in lines if production.product.key in line] == []

    objects = [json.loads(line) for line in lines]
    assert all({"time", "level", "logger", "message"} <= set(each) for each in objects)

    attempted = [each for each in objects if each["message"] == "job.attempted"]
    assert {each["verdict"] for each in attempted} == {"complete", "discard"}
    assert {each["host"] for each in attempted} == {"127.0.0.1", "10.0.0.1"}
    assert all(each["account_id"] and each["lateness_ms"] >= 0 for each in attempted)


@pytest.mark.parametrize("embedded", [DEBUG], indirect=True)
def test_the_embedded_mode_writes_text_and_no_secret(embedded, target):
    assert lines_with_canary(drive(embedded, target)) == []
