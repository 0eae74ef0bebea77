"""The page of endpoints: what is added, what is refused and kept, and whether what goes out is signed."""

import json

import pytest

from models.rules import clock
from models.webhooks import delivery_config, endpoints, notifications, signing_keys
from models.webhooks.event_types import FINISHED
from models.webhooks.notifications import JobEvent
from models.webhooks.webhook_tables import Endpoint
from tests.support.browsers import Markup
from tests.support.follow_ups import follow_ups
from tests.support.rows import make_job, reread

URL = "https://example.com/events?a=1"
ABOUT = {"response": None, "error": None, "timings": None}


def stored_endpoints(browser):
    return [(row.url, row.types and json.loads(row.types), row.enabled) for row in endpoints.listed(browser.account.id)]


def test_an_endpoint_is_added_for_all_events_or_for_some(alice, bob):
    assert alice.send("/endpoints", url=f" {URL} ").location == "/endpoints?note=saved"
    alice.send("/endpoints", url=URL, types=["job.cancelled", "job.finished"])
    assert stored_endpoints(alice) == [(URL, None, 1), (URL, ["job.finished", "job.cancelled"], 1)]
    text = alice.get("/endpoints").text
    assert "<td>all<" in text
    assert "<td>job.finished, job.cancelled</td>" in text
    assert URL not in bob.get("/endpoints").text


def test_an_endpoint_is_disabled_enabled_and_removed(alice):
    alice.send("/endpoints", url=URL)
    path = f"/endpoints/{Endpoint.get().uuid}"
    for action, enabled in (("disable", 0), ("enable", 1)):
        assert alice.send(f"{path}/{action}").location == "/endpoints?note=saved"
        assert Endpoint.get().enabled == enabled
    assert alice.send(f"{path}/remove").location == "/endpoints?note=deleted"
    assert stored_endpoints(alice) == []
    for action in ("disable", "enable", "remove"):
        assert alice.send(f"{path}/{action}").status_code == 404
        assert alice.send(f"/endpoints/x/{action}").status_code == 404


def test_what_waits_for_an_endpoint_is_cancelled_with_it_as_its_button_says(alice):
    alice.send("/endpoints", url=URL)
    config = delivery_config.of_accounts([alice.account.id])[alice.account.id]
    about = JobEvent(make_job(alice.account, "completed").id, FINISHED, clock.now(), ABOUT)
    notifications.add([about], lambda _: config, clock.now())
    [event] = follow_ups("event")
    assert "those that wait for it are cancelled" in alice.get("/endpoints").text

    alice.send(f"/endpoints/{Endpoint.get().uuid}/remove")

    assert reread(event).state == "cancelled"


@pytest.mark.parametrize(
    ("fields", "problems"),
    [
        ({"url": ""}, {"url"}),
        ({"url": "ftp://x"}, {"url"}),
        ({"url": "https://user:pw@example.com/"}, {"url"}),
        ({"url": "x", "types": ["job.finished", "job.exploded"]}, {"url", "types"}),
    ],
)
def test_what_cant_be_taken_is_told_by_its_field_and_stays_as_typed(alice, fields, problems):
    answer = alice.send("/endpoints", **fields)
    assert answer.status_code == 422
    tags = Markup(answer.text).tags
    assert {attributes["aria-describedby"] for _, attributes in tags if "aria-invalid" in attributes} == {
        f"{n}-problem" for n in problems
    }
    (url,) = [attributes["value"] for _, attributes in tags if attributes.get("name") == "url"]
    assert url == fields["url"]
    ticked = [
        attributes["value"] for _, attributes in tags if attributes.get("name") == "types" and "checked" in attributes
    ]
    assert ticked == [name for name in fields.get("types", []) if name == "job.finished"]
    assert stored_endpoints(alice) == []


def test_one_more_than_there_may_be_is_refused_with_what_to_do(alice, monkeypatch):
    monkeypatch.setattr(endpoints, "MAX_ENDPOINTS", 1)
    alice.send("/endpoints", url=URL)
    answer = alice.send("/endpoints", url=f"{URL}&b")
    assert answer.status_code == 409
    assert "Remove one of them first" in answer.text
    assert f"{URL}&amp;b" in answer.text
    assert len(stored_endpoints(alice)) == 1


def test_the_page_says_whether_events_are_signed(alice, moved_clock):
    assert "Events are not signed" in alice.get("/endpoints").text
    key = signing_keys.create(alice.account.id, None, clock.now())
    text = alice.get("/endpoints").text
    assert "Events are signed" in text
    assert key.secret not in text
    signing_keys.retire(alice.account.id, key.uuid, clock.now(), clock.now())
    assert "Events are not signed" in alice.get("/endpoints").text


def test_an_address_is_text_and_no_link(alice):
    endpoints.create(alice.account.id, "https://example.com/<svg/onload=alert(1)>", None, True, clock.now())
    text = alice.get("/endpoints").text
    assert "<svg/onload" not in text
    assert "&lt;svg/onload" in text
    assert not [
        attributes for tag, attributes in Markup(text).tags if tag == "a" and "example.com" in attributes["href"]
    ]


def test_without_endpoints_the_page_says_what_they_are_for(alice):
    assert "No endpoints" in alice.get("/endpoints").text
