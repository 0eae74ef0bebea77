"""The API and its document agree: whatever the document allows is answered as it says, and nothing is a 5xx.

`make agreement-full` asks for longer.
"""

import os
import re
from collections import Counter
from functools import partial

import pytest
from hypothesis import HealthCheck, Phase, given, settings

from api.documentation import METHODS, operations
from tests.support.allowed_and_refused import causes_of
from tests.support.api_client import URL, document_of, one_database
from tests.support.openapi_requests import requests

FULL = os.environ.get("BOOPER_TEST_AGREEMENT") == "full"
EXAMPLES = 200 if FULL else 4
WAITS = {"take_requests"}  # a listener that asks may wait for a request


@pytest.fixture
def filled(client):
    """The ids and names of what there is, by the path in whose place they may stand."""
    job = client.created(schedule_in=3600, labels=["a"])
    made = {
        "/api/jobs/": [job["id"], str(job["job"]["id"])],
        "/api/schedules/": [made_id(client, "/api/schedules", url=URL, cron="@daily")],
        "/api/endpoints/": [made_id(client, "/api/endpoints", url=URL)],
        "/api/alerts/": [made_id(client, "/api/alerts", name="a", to=[{"webhook": URL}])],
        "/api/signing-keys/": [made_id(client, "/api/signing-keys")],
        "/api/channels/": ["demo", "slack"],
    }
    client.ask("PUT", "/api/groups/shops", json={"targets": [{"name": "a", "url": URL}]})
    client.ask("PUT", "/api/calendars/holidays", json={"days": ["2026-12-24"]})
    client.ask("PUT", "/api/flows/flow", json={"concurrency": 1})
    named = {"/api/groups/": ["shops"], "/api/calendars/": ["holidays"], "/api/flows/": ["flow"]}
    return made | named | {"/api/lanes/": ["lane"], "/api/hosts/": ["example.com"], "/api/listeners/": ["laptop"]}


def made_id(client, path, **fields):
    return client.post(path, json=fields).json["data"]["id"]


def every_operation(client):
    document = document_of(client.app)
    return [(path, method, operation["operationId"]) for path, method, operation in operations(document)]


def ask_each(client, filled, is_broken, look):
    """Ask for each operation some times; `look` at its name, each request and its answer, which is as the document
    says."""
    document = document_of(client.app)

    def known(path, name):
        prefix = path.partition("{")[0]
        return filled.get(prefix, [])

    for path, method, name in every_operation(client):
        if name not in WAITS:
            ask_some(client, requests(document, path, method, known, is_broken), partial(look, name))


def ask_some(client, some, look):
    @settings(
        max_examples=EXAMPLES,
        derandomize=not FULL,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(some)
    def ask(request):
        options = {} if request.body is None else {"json": request.body}
        answer = client.ask(request.method, request.address, **options)
        assert answer.status_code < 500, (request, answer.text)
        look(request, answer)

    ask()


@one_database
@pytest.mark.parametrize("is_broken", [False, True], ids=["allowed", "broken"])
def test_every_request_is_answered_as_the_document_says(client, filled, is_broken):
    statuses = Counter()

    ask_each(client, filled, is_broken, lambda _, __, answer: statuses.update([answer.status_code]))

    print(sorted(statuses.items()))
    assert {200, 404, 422} <= statuses.keys()


@one_database
def test_no_allowed_request_is_refused_without_a_cause_that_is_known(client, filled):
    causes, unknown = Counter(), {}

    def look(name, request, answer):
        if 400 <= answer.status_code < 500:
            for shown, cause in causes_of(name, answer).items():
                causes[cause] += 1
                if cause is None:
                    unknown[shown] = request

    ask_each(client, filled, False, look)

    print(causes.most_common())
    assert unknown == {}, "\n".join(map(str, unknown.items()))
    assert len(causes) > 5


@one_database
def test_a_refusal_without_a_cause_is_noticed(client):
    answer = client.post("/api/jobs", json={"url": URL, "method": "fetch"})

    assert [*causes_of("create_job", answer).values()] == [None]


@one_database
def test_an_answer_that_the_document_does_not_know_is_noticed(client, filled, monkeypatch):
    monkeypatch.delitem(document_of(client.app)["paths"]["/api/stats"]["get"]["responses"], "200")

    with pytest.raises(AssertionError, match="which the document does not know"):
        ask_each(client, filled, False, lambda *_: None)


def test_each_405_names_the_methods_of_the_document(bare):
    for path, item in document_of(bare.app)["paths"].items():
        documented = {method.upper() for method in METHODS if method in item}
        for method in {*(each.upper() for each in METHODS), "TRACE"} - documented:
            answer = bare.app.test_client().open(path.replace("{", "").replace("}", ""), method=method)

            allowed = {each.strip() for each in answer.headers["Allow"].split(",")} - {"HEAD", "OPTIONS"}
            assert (answer.status_code, allowed) == (405, documented), (method, path)


@pytest.mark.parametrize(
    ("place", "allowed", "refused"),
    [
        (("/api/schedules", "get", "expand"), ["key", "health,key"], ["", "names", "key,", "health;key"]),
        (("/api/jobs", "get", "expand"), ["replays,last_attempt"], ["", "key"]),
        (("/api/listeners/{listener}/take", "post", "listener"), ["laptop", "a-1"], ["Laptop", "-a", "a" * 33]),
    ],
    ids=str,
)
def test_a_parameter_is_described_by_what_it_takes(bare, place, allowed, refused):
    path, method, name = place
    item = document_of(bare.app)["paths"][path]
    parameters = item.get("parameters", []) + item[method].get("parameters", [])
    [form] = [each["schema"] for each in parameters if each["name"] == name]

    assert [value for value in allowed if not re.search(form["pattern"], value)] == []
    assert [value for value in refused if re.search(form["pattern"], value)] == []


def test_bodies_are_described_by_what_they_take(bare):
    document = document_of(bare.app)
    [echo] = document["paths"]["/api/echo"]["post"]["requestBody"]["content"].values()
    seconds = document["components"]["schemas"]["Retirement"]["properties"]["after"]["anyOf"][0]

    assert re.search(echo["schema"]["propertyNames"]["pattern"], "any name")
    assert not re.search(echo["schema"]["propertyNames"]["pattern"], "a\0")
    assert seconds["maximum"] == 366 * 86_400


@one_database
@pytest.mark.parametrize("value", ["null", "1", "a,b", ""])
def test_no_parameter_that_is_there_twice_is_a_mistake_of_ours(client, value):
    document = document_of(client.app)
    for path, item in document["paths"].items():
        for parameter in item.get("get", {}).get("parameters", []):
            if parameter["in"] == "query":
                name = parameter["name"]
                answer = client.get(f"{path.replace('{', '').replace('}', '')}?{name}={value}&{name}={value}")
                assert answer.status_code < 500, (path, name)


@one_database
def test_options_names_the_methods_of_the_document(client):
    for path, item in document_of(client.app)["paths"].items():
        documented = {method.upper() for method in METHODS if method in item}

        answer = client.ask("OPTIONS", path.replace("{", "").replace("}", ""))

        allowed = {each.strip() for each in answer.headers["Allow"].split(",")}
        assert (answer.status_code, answer.data, allowed - {"HEAD", "OPTIONS"}) == (200, b"", documented), path


@one_database
@pytest.mark.parametrize("method", ["GET", "PUT", "PATCH", "DELETE"])
def test_an_address_of_its_own_is_no_id(client, method):
    assert client.ask(method, "/api/schedules/check").status_code == 405
    assert client.ask(method, "/api/schedules/checks", json={}).status_code in (404, 422)
