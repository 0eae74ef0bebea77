"""/metrics and the log line of a request: who may read the metrics, and what the line never has."""

import logging
from dataclasses import replace

import pytest

from api import create_app
from booper import metrics_page
from tests.support.api_client import errors_of
from tests.support.samples import Grown

TOKEN = "a-token-of-the-operator"


def get_health(app, headers=None, peer="127.0.0.1"):
    return app.test_client().get("/metrics", headers=headers or {}, environ_base={"REMOTE_ADDR": peer})


@pytest.fixture
def with_token(settings):
    return create_app(replace(settings, metrics_token=TOKEN))


@pytest.mark.parametrize("peer", ["127.0.0.1", "127.8.9.1", "::1", "::ffff:127.0.0.1"])
def test_whoever_asks_from_this_machine_sees_the_metrics(app, peer):
    answer = get_health(app, peer=peer)
    assert (answer.status_code, answer.content_type) == (200, "text/plain; version=0.0.4; charset=utf-8")
    assert "booper_jobs_total" in answer.text


@pytest.mark.parametrize("peer", ["192.0.2.7", "10.0.0.1", "2001:db8::1", "::ffff:10.0.0.1", "", "unix:"])
def test_whoever_asks_from_elsewhere_finds_nothing(app, peer):
    assert errors_of(get_health(app, peer=peer), 404) == {}


@pytest.mark.parametrize(
    "name",
    ["X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "Forwarded", "Via", "X-Real-IP", "CF-Connecting-IP"],
)
def test_what_a_proxy_on_this_machine_forwards_is_not_local(app, name):
    assert get_health(app, {name: "127.0.0.1"}).status_code == 404


@pytest.mark.parametrize(
    "host", ["booper.example.com", "127.0.0.1.example.com", "localhost.example.com:80", "10.0.0.1"]
)
def test_a_page_that_asks_by_its_own_name_is_not_local(app, host):
    """A page in a browser here that asks by its own name is not local."""
    assert get_health(app, {"Host": host}).status_code == 404


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:8000", "127.0.0.1:8000", "[::1]:8000", "[::1]"])
def test_the_names_of_loopback_are_local(app, host):
    assert get_health(app, {"Host": host}).status_code == 200


def test_whoever_has_the_token_sees_the_metrics_from_anywhere(with_token):
    headers = {"Authorization": f"Bearer {TOKEN}", "X-Forwarded-For": "192.0.2.1", "Host": "booper.example.com"}
    assert get_health(with_token, headers, peer="192.0.2.7").status_code == 200


@pytest.mark.parametrize(
    "authorization", ["", TOKEN, f"Bearer {TOKEN}x", "Bearer", "Bearer ", f"Basic {TOKEN}", "Bearer \xe9"]
)
def test_no_other_credentials_do(with_token, authorization):
    assert get_health(with_token, {"Authorization": authorization}, peer="192.0.2.7").status_code == 404


def test_an_empty_token_is_no_token(app):
    assert get_health(app, {"Authorization": "Bearer "}, peer="192.0.2.7").status_code == 404


def test_a_key_of_an_account_is_not_enough(client):
    answer = client.get("/metrics", environ_base={"REMOTE_ADDR": "192.0.2.7"})
    assert answer.status_code == 404


def test_the_page_of_a_worker_keeps_the_same_rules_and_shows_nothing_else():
    app, statuses = metrics_page.make_app(TOKEN), []

    def ask_worker(path="/metrics", method="GET", **environ):
        environ = {
            "PATH_INFO": path,
            "REQUEST_METHOD": method,
            "REMOTE_ADDR": "127.0.0.1",
            "HTTP_HOST": "localhost",
        } | environ
        body = b"".join(app(environ, lambda status, headers: statuses.append(status[:3])))
        return statuses[-1], body

    assert ask_worker()[0] == "200"
    assert ask_worker(REMOTE_ADDR="192.0.2.7", HTTP_AUTHORIZATION=f"Bearer {TOKEN}")[0] == "200"
    for refused in [
        ask_worker(REMOTE_ADDR="192.0.2.7"),
        ask_worker(HTTP_X_FORWARDED_FOR="127.0.0.1"),
        ask_worker("/other"),
        ask_worker(method="POST"),
    ]:
        assert refused[0] == "404"
        assert b'"code": "not_found"' in refused[1]


def test_a_request_is_counted_by_its_route_and_never_by_its_path(client):
    grown = Grown()
    job = client.created()
    client.get(f"/api/jobs/{job['id']}?expand=replays")
    client.get("/nowhere/at/all")

    client.ask("BREW", "/api/jobs")

    assert grown("booper_http_requests_total", method="POST", route="/api/jobs", status="201") == 1
    assert grown("booper_http_requests_total", method="GET", route="/api/jobs/<key>", status="200") == 1
    assert grown("booper_http_requests_total", method="GET", route="none", status="404") == 1
    assert grown("booper_http_requests_total", method="other", route="none", status="405") == 1
    assert grown("booper_http_request_duration_seconds_count", method="POST", route="/api/jobs") == 1


def request_lines(caplog):
    return [line for record in caplog.records if record.getMessage() == "request" for line in record.lines]


def test_a_request_is_one_line_with_the_id_of_its_answer(client, account, caplog):
    caplog.set_level(logging.INFO)
    answer = client.create(url="nonsense")

    [line] = request_lines(caplog)

    assert line.pop("duration_ms") > 0
    assert line == {
        "request_id": answer.headers["X-Request-Id"],
        "method": "POST",
        "route": "/api/jobs",
        "status": 422,
        "account_id": account.id,
        "job_id": None,
    }


def test_the_line_of_a_create_names_the_job(client, caplog):
    caplog.set_level(logging.INFO)
    job = client.created()
    assert request_lines(caplog)[0]["job_id"] == job["job_id"]


def test_the_line_names_the_first_job_of_a_set_and_the_new_job_of_a_repetition(client, caplog):
    client.ask("PUT", "/api/groups/g", json={"targets": [{"name": n, "url": f"https://{n}.example/"} for n in "ab"]})
    caplog.set_level(logging.INFO)

    jobs = client.post("/api/jobs", json={"group": "g"}).json["data"]
    again = client.post(f"/api/jobs/{jobs[1]['id']}/retry").json["data"]

    assert [line["job_id"] for line in request_lines(caplog)] == [jobs[0]["job_id"], again["job_id"]]


def test_the_id_that_a_request_brings_along_is_neither_told_nor_believed(client, caplog):
    caplog.set_level(logging.DEBUG)
    answer = client.get("/api/jobs", headers={"X-Request-Id": "brought-along"})
    assert answer.headers["X-Request-Id"] == request_lines(caplog)[0]["request_id"] != "brought-along"
    assert "brought-along" not in caplog.text


def test_what_asks_every_few_seconds_is_no_line(bare, caplog):
    caplog.set_level(logging.INFO)
    bare.get("/healthz")
    bare.get("/metrics")
    assert request_lines(caplog) == []
    caplog.set_level(logging.DEBUG)
    bare.get("/healthz")
    assert [line["account_id"] for line in request_lines(caplog)] == [None]
