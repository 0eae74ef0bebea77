"""How `booper serve` sets up its server: one process, begun with more files open than select() can watch."""

import http.client
import json
import re
import socket
import sys

import pytest

from tests.support.journeys.processes import Running, wait_until
from tests.support.journeys.product import BOOPER, Embedded

pytestmark = pytest.mark.journey
FILES = 1_100  # select() takes none beyond the 1,024th
WITH_FILES_OPEN = (
    "import os, resource, sys\n"
    f"most = max({2 * FILES}, resource.getrlimit(resource.RLIMIT_NOFILE)[0])\n"
    "resource.setrlimit(resource.RLIMIT_NOFILE, (most, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))\n"
    f"for _ in range({FILES}): os.set_inheritable(os.open(os.devnull, os.O_RDONLY), True)\n"
    "os.execv(sys.argv[1], sys.argv[1:])\n"
)


class ManyFiles(Embedded):
    """`booper serve` with many files open from the start, as its senders may open them."""

    def start(self):
        command = [sys.executable, "-c", WITH_FILES_OPEN, BOOPER, "serve"]
        self.processes["serve"] = Running("serve", command, self.env, self.folder)
        self.await_ready()


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    limits = {"BOOPER_MAX_BODY_BYTES": "2048", "BOOPER_MAX_BATCH_BYTES": "65536"}
    with ManyFiles(tmp_path_factory.mktemp("serve"), **limits) as product:
        yield product


def ask(server, method, path, body=None, **headers):
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)
    headers = {"Authorization": f"Bearer {server.key}", "Content-Type": "application/json"} | headers
    connection.request(method, path, body, headers)
    answer = connection.getresponse()
    answer.text = answer.read().decode()
    connection.close()
    return answer


def batch(size):
    job = {"method": "get", "url": "https://a.example/", "schedule_in": [1, "day"], "name": "x" * 100}
    line = json.dumps(job)
    return f'{{"jobs": [{", ".join([line] * (size // len(line)))}]}}'


def test_a_batch_may_be_as_large_as_the_settings_say_and_another_request_may_not(server):
    large = batch(60_000)
    assert ask(server, "POST", "/api/jobs/batch", large).status < 300
    for path, body in [("/api/jobs", large), ("/api/jobs/batch", batch(70_000)), ("/api/jobs/batch", batch(200_000))]:
        answer = ask(server, "POST", path, body)
        assert (answer.status, json.loads(answer.text)["error"]["status"]) == (413, 413)


def test_what_is_no_request_is_answered_as_an_error_of_the_api(server):
    with socket.create_connection(("127.0.0.1", server.port), 10) as connection:
        connection.sendall(b"GARBAGE\r\n\r\n")
        head, _, body = connection.makefile("rb").read().partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.0 400") or head.startswith(b"HTTP/1.1 400")
    assert json.loads(body)["error"]["status"] == 400


def test_no_answer_names_the_server(server):
    assert ask(server, "GET", "/healthz").getheader("Server") is None


@pytest.mark.parametrize("header", ["X-Forwarded-For", "X-Forwarded-Host", "Forwarded"])
def test_the_metrics_are_hidden_from_whom_a_proxy_asks_for(header, server):
    assert ask(server, "GET", "/metrics", Authorization="").status == 200
    assert ask(server, "GET", "/metrics", Authorization="", **{header: "203.0.113.7"}).status == 404


def test_a_port_that_is_taken_is_told_in_a_line(server, tmp_path):
    second = Running("second", [BOOPER, "serve"], server.env, tmp_path)
    wait_until(lambda: second.ended, 30, "the end of the second")
    assert second.stop() == 1
    assert re.search(r"^booper: serve could not start or go on: .*in use", second.log(), re.MULTILINE)
