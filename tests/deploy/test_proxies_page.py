"""The configurations of docs/proxies.md, taken by the real programs, in front of a real Booper."""

import http.client
import os
import shutil
import socket
import ssl

import pytest
import trustme

from tests.support.faults.proxies import NAME, PROXIES, nginx, shown
from tests.support.journeys.ports import free_port
from tests.support.journeys.processes import Running
from tests.support.journeys.product import Embedded
from tests.support.waiting import wait_until

pytestmark = pytest.mark.journey


@pytest.fixture(scope="module")
def product(tmp_path_factory):
    with Embedded(tmp_path_factory.mktemp("behind")) as product:
        yield product


@pytest.fixture
def authority(tmp_path):
    """A private CA, and the files of a certificate for the name of the page."""
    authority = trustme.CA()
    made = authority.issue_cert(NAME)
    made.private_key_and_cert_chain_pem.write_to_path(str(tmp_path / "both.pem"))
    return authority


@pytest.fixture
def start(tmp_path):
    """Runs a program as a proxy until the end of the test."""
    running = []

    def run(name, *words, **variables):
        program = shutil.which(name, path="/usr/sbin:/usr/bin")
        if program is None:
            pytest.skip(f"{name} is not installed")
        env = {"HOME": str(tmp_path), **os.environ, **variables}
        running.append(Running(name, [program, *words], env, tmp_path))
        return running[-1]

    yield run
    for each in running:
        each.kill()


class Https:
    """Asks a proxy by the name of the page."""

    def __init__(self, authority, port, running):
        self.context, self.port, self.running = ssl.create_default_context(), port, running
        authority.configure_trust(self.context)

    def ask(self, method, path, body=None, headers=None):
        connection = http.client.HTTPSConnection("127.0.0.1", self.port, timeout=20, context=self.context)
        connection.sock = self.context.wrap_socket(
            socket.create_connection(("127.0.0.1", self.port), 20), server_hostname=NAME
        )
        connection.request(method, path, body, {"Host": NAME, **(headers or {})})
        response = connection.getresponse()
        read = response.read()
        connection.close()
        return response.status, dict(response.getheaders()), read

    def answers(self):
        assert not self.running.ended, self.running.log()
        try:
            return self.ask("GET", "/healthz")[0] == 200
        except (OSError, http.client.HTTPException):
            return False


@pytest.mark.parametrize("program", PROXIES)
def test_each_proxy_of_the_page_passes_requests_on_and_hides_the_metrics(program, product, authority, start, tmp_path):
    port = free_port()
    running = PROXIES[program](start, [product.port, free_port()], port, tmp_path)
    https = Https(authority, port, running)
    wait_until(https.answers, 60, f"{program} to pass on requests", 0.1)

    statuses = {https.ask("GET", path)[0] for path in ["/healthz"] * 40}
    order = b'{"url": "http://127.0.0.1:9/", "schedule_in": 3600}'
    head = {"Authorization": f"Bearer {product.key}", "Content-Type": "application/json"}

    assert statuses == {200}, "the server that does not exist must cost nobody an answer"
    assert {https.ask("POST", "/api/jobs", order, head)[0] for _ in range(10)} == {201}
    assert https.ask("GET", "/metrics")[0] == 404
    status, headers, _ = https.ask("GET", "/")
    assert (status, headers.get("Location", headers.get("location"))) == (303, "/sign-in?next=/")


def test_nginx_serves_below_a_path_as_shown(start, tmp_path):
    port = free_port()
    (tmp_path / "data").mkdir()
    with Embedded(tmp_path / "data", BOOPER_PATH_PREFIX="/booper") as below:
        upstream = f"upstream booper {{ server 127.0.0.1:{below.port}; }}"
        text = f"{upstream} server {{ listen 127.0.0.1:{port}; {shown('nginx', 1)} }}"
        running = nginx(start, tmp_path, text)
        wait_until(lambda: running.ended or get(port, "/booper/healthz")[0] == 200, 60, "nginx", 0.1)
        assert get(port, "/booper/")[:2] == (303, "/booper/sign-in?next=/booper/")


def get(port, path):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    try:
        connection.request("GET", path)
        response = connection.getresponse()
        response.read()
        return response.status, response.getheader("Location")
    except OSError:
        return None, None
    finally:
        connection.close()
