"""The whole way of a job whose target acknowledges later, in one process: the order, real sockets, the report."""

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from models.accounts import account_store
from models.jobs.job_tables import Job
from models.rules import clock
from runtime.settings import load
from tests.support.api_client import ApiClient
from tests.support.apps import app_of
from tests.support.waiting import wait_until


class LaterTarget:
    """Answers 202 with `Booper-Complete: later`, and remembers where to acknowledge. `before_answer`: called with that
    address before the answer goes out."""

    def __init__(self):
        self.ack_paths = []
        self.before_answer = lambda path: None
        target = self

        class Answering(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                self.rfile.read(int(self.headers.get("Content-Length") or 0))
                path = self.headers["Booper-Ack-Url"].partition(":8000")[2]
                target.ack_paths.append(path)
                target.before_answer(path)
                self.send_response(202)
                self.send_header("Booper-Complete", "Later")
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Answering)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}/"
        threading.Thread(target=self.server.serve_forever, args=(0.01,), name="target", daemon=True).start()


@pytest.fixture
def target():
    started = LaterTarget()
    yield started
    started.server.shutdown()
    started.server.server_close()


@pytest.fixture
def app(embedded):
    return app_of(load({}))


@pytest.fixture
def client(app, account):
    return ApiClient(app, account_store.create_key(account, "test", clock.now())[1])


def order(client, target, **fields):
    job = client.created(url=target.url, method="post", ack_within="10m", backoff={"fixed": 1}, **fields)
    wait_until(lambda: target.ack_paths)
    return job


def waits(job):
    return lambda: Job.get_by_id(job["job_id"]).ack_until is not None


def state(job):
    return Job.get_by_id(job["job_id"]).state


def test_a_target_that_acknowledges_later_completes_its_job_and_holds_no_slot_meanwhile(app, client, target, embedded):
    job = order(client, target)
    wait_until(waits(job))
    wait_until(lambda: embedded._delivery.slots.in_use == 0)
    assert state(job) == "executing"

    answer = ApiClient(app).post(target.ack_paths[0], json={"success": True, "body": {"rows": 7}})

    assert answer.status_code == 200
    wait_until(lambda: state(job) == "completed")
    assert len(target.ack_paths) == 1
    [entry] = client.get(f"/api/logs?job_id={job['job_id']}&event=worker.job.acknowledged").json["data"]
    assert entry["payload"]["body"] == {"rows": 7}


def test_a_target_may_acknowledge_before_it_answers(app, client, target):
    target.before_answer = lambda path: ApiClient(app).post(path)
    job = order(client, target)
    wait_until(lambda: state(job) == "completed")


def test_a_target_that_reports_a_failure_gets_the_request_again_with_another_address(app, client, target):
    job = order(client, target)
    wait_until(waits(job))
    ApiClient(app).post(target.ack_paths[0], json={"success": False})

    wait_until(lambda: len(target.ack_paths) == 2)
    wait_until(waits(job))

    first, second = target.ack_paths
    assert ApiClient(app).post(first).status_code == 409
    assert ApiClient(app).post(second).status_code == 200
    wait_until(lambda: state(job) == "completed")
    attempts = client.get(f"/api/jobs/{job['job_id']}/attempts").json["data"]
    assert [attempt["reason"] for attempt in attempts] == ["reported_failure", None]
