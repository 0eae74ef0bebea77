"""Booper as somebody installs it: the wheel in an environment of its own, started in a folder of another project."""

import contextlib
import hashlib
import http.client
import re
import subprocess
import tarfile

import pika
import psycopg
import pytest

from runtime.version import __version__
from tests.support.journeys import product
from tests.support.journeys.broker import shared_broker
from tests.support.journeys.journey import FEWER_CONNECTIONS
from tests.support.journeys.processes import Running
from tests.support.packages import bare_environment, built, files_of, files_of_the_product, with_namesakes
from tests.support.services import POSTGRES_URL, RABBITMQ_URL, unavailable
from tests.support.waiting import wait_until

pytestmark = pytest.mark.journey


@pytest.fixture(scope="module")
def packages(tmp_path_factory):
    """The sdist and the wheel of the server, and the wheel of the client."""
    return built(tmp_path_factory.mktemp("dist"))


@pytest.fixture(scope="module")
def booper(tmp_path_factory, packages):
    """The path of the installed program."""
    return bare_environment(tmp_path_factory.mktemp("environment"), packages[1:]) / "booper"


@pytest.fixture
def installed(booper, tmp_path, monkeypatch):
    """A folder to start the installed program in."""
    monkeypatch.setattr(product, "BOOPER", str(booper))
    return with_namesakes(tmp_path)


class ServedByFlags(product.Embedded):
    """`booper serve` with flags alone."""

    def start(self):
        env = {name: value for name, value in self.env.items() if name not in ("PORT", "BOOPER_DATABASE_URL")}
        flags = ["--data", str(self.folder / "new/data"), "--port", str(self.port)]
        self.processes["serve"] = Running("serve", [product.BOOPER, "serve", *flags], env, self.folder)
        self.await_ready()


def deliver(served):
    """Order a request to the echo of the API itself, and wait until it has been delivered; the log entry."""
    client = served.client()
    url = f"http://127.0.0.1:{served.port}/api/echo"
    status, answer = client.ask(
        "POST", "/api/jobs", {"method": "post", "url": url, "body": {"hello": 1}, "schedule_in": [1, "second"]}
    )
    assert status == 201, answer
    wait_until(lambda: client.get("/api/jobs?state=completed")["data"], 60, f"delivery\n{served.log()}")


def answer_of(port, path):
    with contextlib.closing(http.client.HTTPConnection("127.0.0.1", port, timeout=10)) as connection:
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, answer.read().decode()


def test_the_client_has_a_command_of_its_own(booper):
    shown = subprocess.run([booper.with_name("booper-client"), "--help"], capture_output=True, text=True, timeout=60)

    assert (shown.returncode, shown.stdout[:28]) == (0, "Usage: booper-client [OPTION"), shown.stderr


def test_both_packages_hold_every_file_of_the_product(packages):
    sdist, wheel, _ = packages
    with tarfile.open(sdist) as archive:
        inside = {name.partition("/")[2] for name in archive.getnames()}

    assert files_of_the_product() - inside == set()
    assert files_of_the_product() - files_of(wheel) == set()
    assert not [name for name in files_of(wheel) | inside if name.startswith("tests/") or ".db" in name]


def test_the_same_commit_gives_the_same_packages(packages, tmp_path):
    again = built(tmp_path)
    digests = [[hashlib.sha256(path.read_bytes()).hexdigest() for path in pair] for pair in (packages, again)]
    assert digests[0] == digests[1]


def test_the_installed_program_says_its_version(booper, tmp_path):
    run = subprocess.run([booper, "--version"], cwd=with_namesakes(tmp_path), capture_output=True, text=True)
    assert (run.returncode, run.stdout) == (0, f"booper {__version__}\n")


def test_an_installed_client_orders_a_request_of_an_installed_server(installed, booper):
    with ServedByFlags(installed) as served:
        url = f"http://127.0.0.1:{served.port}"
        env = served.env | {"BOOPER_URL": url, "BOOPER_API_KEY": served.key, "HOME": str(installed)}
        command = [booper, "run", "post", f"{url}/api/echo", "--json", '{"hello": "world"}', "--watch"]
        run = subprocess.run(command, cwd=installed, env=env, capture_output=True, text=True, timeout=60)

    assert run.returncode == 0, run.stderr
    assert "completed" in run.stdout + run.stderr


def test_an_installed_server_delivers_a_request_and_shows_its_pages(installed):
    with ServedByFlags(installed) as served:
        deliver(served)
        status, page = answer_of(served.port, "/sign-in")
        files = re.findall(r'(?:href|src)="(/static/[^"]+)"', page)
        statuses = {answer_of(served.port, path)[0] for path in files}
        stopped = served.stop()

    assert (status, statuses, len(files) >= 2) == (200, {200}, True)
    assert (installed / "new/data/booper.db").exists()
    assert stopped == {"serve": 0}


def test_an_installed_api_and_worker_deliver_a_request(installed):
    try:
        psycopg.connect(POSTGRES_URL, connect_timeout=5).close()
        broker = shared_broker(RABBITMQ_URL)
    except (OSError, psycopg.OperationalError, pika.exceptions.AMQPError) as error:
        unavailable("PostgreSQL or RabbitMQ", error)

    with product.Production(installed, POSTGRES_URL, broker, **FEWER_CONNECTIONS) as served:
        deliver(served)
        assert served.stop() == {"api": 0, "worker": 0}
