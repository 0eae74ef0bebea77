"""What a live server sends by itself is as its OpenAPI document describes it."""

import json

import pytest
import requests
from openapi_schema_validator import OAS31Validator

from booper_client import Client
from tests.support.waiting import wait_until


@pytest.fixture
def differences(server):
    """A function from a webhook and a body to how they differ."""
    document = requests.get(f"{server.url}/api/openapi.json", timeout=30).json()

    def compare(name, body):
        schema = document["webhooks"][name]["post"]["requestBody"]["content"]["application/json"]["schema"]
        validator = OAS31Validator({**schema, "components": document["components"]})
        return [error.message for error in validator.iter_errors(body)]

    return compare


@pytest.mark.parametrize("path", ["/fine", "/status/500"])
def test_callbacks_and_events_are_as_described(server, key, receiver, differences, path):
    with Client(server.url, key) as client:
        client.jobs.create(
            f"{receiver.url}{path}",
            max_attempts=1,
            callback_url=f"{receiver.url}/callback",
            webhook_url=f"{receiver.url}/events",
        )
        client.jobs.cancel(client.jobs.create(f"{receiver.url}/", schedule_in=60, webhook_url=f"{receiver.url}/events"))
        unreachable = "http://127.0.0.1:9/"
        client.jobs.create(unreachable, max_attempts=1, webhook_url=f"{receiver.url}/events")

    wanted = {"job.started", "job.request", "job.response", "job.finished", "job.cancelled", "job.error"}
    wait_until(lambda: wanted <= set(bodies(receiver, "/events")) and bodies(receiver, "/callback"), 30, "all events")

    for kind, body in bodies(receiver, "/events").items():
        assert differences(kind, body) == [], kind
    assert differences("callback", bodies(receiver, "/callback")["callback"]) == []
    assert differences("job.started", bodies(receiver, "/events")["job.finished"]) != []


def bodies(receiver, path):
    """A body of each type that arrived at a path."""
    arrived = [json.loads(request.body) for request in list(receiver.arrivals) if request.path == path]
    return {body.get("type", "callback"): body for body in arrived}
