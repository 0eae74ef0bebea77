"""What the client sends where a parameter decides about more than a field of its name: the whole request."""

import pytest

from booper_client import Client, ConnectionFailedError, Retries
from booper_client.models.listeners import LocalAnswer
from tests.support.scripted_transport import Script

URL = "https://example.com/hook"
TO = [{"email": "ops@example.com"}]


def request_of(call):
    """The request that a call of the client begins with."""
    script = Script(ConnectionFailedError("it is noted, and not sent"))
    client = Client("http://booper.test", "sk_x", retries=Retries(attempts=1))
    client._sender._transport = script
    with pytest.raises(ConnectionFailedError):
        list(call(client))  # of a list, the first page
    return script.requests[0]


@pytest.mark.parametrize("action", ["cancel", "retry", "delete"])
@pytest.mark.parametrize(
    ("arguments", "body"),
    [
        ({}, {"filter": {}}),
        ({"all": True}, {"filter": {}, "all": True}),
        ({"all": False, "label": "a"}, {"filter": {"label": "a"}}),
        ({"label": "a", "host": None}, {"filter": {"label": "a"}}),
        ({"all": True, "limit": 5}, {"filter": {}, "all": True, "limit": 5}),
        ({"label": "a", "limit": 5}, {"filter": {"label": "a"}, "limit": 5}),
        ({"all": True, "label": "a"}, {"filter": {"label": "a"}, "all": True}),  # the server refuses it
        ({"replayed": False}, {"filter": {"replayed": False}}),
    ],
)
def test_an_action_on_many_jobs_says_which_and_how_many_and_its_count_says_the_same(action, arguments, body):
    acting = request_of(lambda client: getattr(client.jobs, f"{action}_all")(**arguments))
    counting = {name: value for name, value in arguments.items() if name != "limit"}
    count = request_of(lambda client: client.jobs.count(action, **counting))

    assert (acting.method, acting.path, acting.body) == ("POST", f"/jobs/{action}", body)
    without_limit = {name: value for name, value in body.items() if name != "limit"}
    assert (count.method, count.path, count.body) == ("POST", f"/jobs/{action}", {**without_limit, "dry_run": True})


@pytest.mark.parametrize(
    ("call", "body"),
    [
        (lambda client: client.alerts.test("a"), None),
        (lambda client: client.alerts.test("a", target=0), {"target": 0}),
        (lambda client: client.alerts.test("a", target=1), {"target": 1}),
        (lambda client: client.alerts.create("n", TO, on=["failed"]), {"name": "n", "to": TO, "on": ["failed"]}),
        (lambda client: client.alerts.create("n", TO, unique=True), {"name": "n", "to": TO, "unique": True}),
        (lambda client: client.endpoints.create(URL), {"url": URL, "types": None, "enabled": True}),
        (
            lambda client: client.endpoints.create(URL, enabled=False, unique=True),
            {"url": URL, "types": None, "enabled": False, "unique": True},
        ),
        (lambda client: client.incidents.mute("i"), {}),
        (lambda client: client.incidents.mute("i", until="2030-01-01"), {"until": "2030-01-01"}),
        (lambda client: client.incidents.unmute("i"), {"until": None}),
        (lambda client: client.incidents.acknowledge("i"), None),
        (lambda client: client.signing_keys.create(), {}),
        (lambda client: client.signing_keys.create(name="n"), {"name": "n"}),
        (lambda client: client.signing_keys.retire("k"), {"after": 0}),
        (lambda client: client.schedules.create(URL, cron="@daily"), {"cron": "@daily", "url": URL}),
        (lambda client: client.schedules.create(group="g", cron="@daily"), {"cron": "@daily", "group": "g"}),
        (lambda client: client.jobs.change("j", name=None), {"name": None}),
        (lambda client: client.jobs.retry("j"), {}),
        (lambda client: client.flows.put("f", rate=0), {"rate": 0, "per": None, "concurrency": None}),
        (lambda client: client.listeners.take("l"), {"limit": 10, "wait": 20.0}),
    ],
)
def test_a_body_has_what_was_said_and_nothing_else(call, body):
    assert request_of(call).body == body


@pytest.mark.parametrize(
    ("answer", "body"),
    [
        (LocalAnswer(error="timeout"), {"error": "timeout"}),
        (
            LocalAnswer(status=204),
            {"status": 204, "headers": [], "body_base64": "", "truncated": False},
        ),
        (
            LocalAnswer(200, (("A", "1"), ("A", "2")), b"\xffx", truncated=True),
            {"status": 200, "headers": [["A", "1"], ["A", "2"]], "body_base64": "/3g=", "truncated": True},
        ),
    ],
)
def test_the_answer_of_a_local_server_goes_back_whole(answer, body):
    class Taken:
        id = "r-1"

    request = request_of(lambda client: client.listeners.answer("laptop", Taken(), answer))

    assert (request.path, request.body) == ("/listeners/laptop/requests/r-1/answer", body)
    assert request.once is None  # the request itself says that it is answered once


@pytest.mark.parametrize(
    ("call", "query"),
    [
        (lambda client: client.jobs.list(), {"limit": "100"}),
        (lambda client: client.jobs.related("j"), {"limit": "100", "offset": "0"}),
        (lambda client: client.schedules.list(), {"limit": "100", "offset": "0", "order_by": "inserted_at,asc"}),
        (
            lambda client: client.schedules.list(order_by="name,desc"),
            {"limit": "100", "offset": "0", "order_by": "name,desc"},
        ),
        (lambda client: client.schedules.runs("s"), {"limit": "100", "offset": "0"}),
        (lambda client: client.backfills.list("s"), {"limit": "100"}),
        (lambda client: client.logs.page(), {}),
        (lambda client: client.logs.page(limit=7, cursor="c"), {"limit": "7", "cursor": "c"}),
        (lambda client: client.schedules.preview(cron="@daily", count=1), {"cron": "@daily", "count": "1"}),
    ],
)
def test_a_list_is_asked_for_by_full_pages_unless_a_page_is_wanted(call, query):
    assert request_of(call).query() == query
