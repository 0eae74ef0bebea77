"""How a claimed job becomes the request that is sent: whose headers win, and what Booper says of the job."""

import json

import pytest

from models.accounts.ack_tokens import attempted_by
from models.accounts.session_store import session_secret
from models.jobs import lifecycle
from models.rules import clock
from models.rules.signatures import headers_for, new_secret
from models.rules.times import format_instant
from models.webhooks.delivery_config import DeliveryConfig
from tests.support.rows import make_job
from workers.delivery.render import AckUrls, arguments_of, render_mail, render_request
from workers.transport.outcome import Blocked
from workers.transport.wire_format import target_of, to_wire


def claim(account, **columns):
    job = make_job(account, **columns)
    [claimed] = lifecycle.claim([job.id], clock.now(), clock.SECOND)
    return claimed


def request_of(account, outgoing=None, headers=None, **columns):
    args = {"method": "post", "url": "http://shop.example/", "headers": headers or {}}
    columns.setdefault("args", json.dumps(args))
    return render_request(claim(account, **columns), outgoing or DeliveryConfig())


def values_of(request, name):
    """What is sent under this name, whatever its case."""
    return [value for key, value in request.headers.items() if key.lower() == name.lower()]


def as_written(request):
    return to_wire(request, target_of(request))


@pytest.mark.parametrize("hops", [0, 1, 7])
def test_a_request_says_that_it_is_one_hop_further_than_its_job(account, hops):
    """Two Boopers that order from one another would loop for ever if the count never grew."""
    assert values_of(request_of(account, hops=hops), "Booper-Hop") == [str(hops + 1)]


@pytest.mark.parametrize("name", ["idempotency-key", "Idempotency-Key", "IDEMPOTENCY-KEY"])
def test_the_client_s_own_idempotency_key_is_sent_alone(account, name):
    request = request_of(account, headers={name: "mine"})
    assert values_of(request, "Idempotency-Key") == ["mine"]
    assert f"{name}: mine\r\n".encode() in as_written(request)  # not refused as sent twice


@pytest.mark.parametrize("name", ["content-type", "Content-Type", "CONTENT-TYPE"])
def test_the_client_s_own_content_type_is_sent_alone(account, name):
    request = request_of(account, headers={name: "text/x-mine"}, body=b"{}", content_type="application/json")
    assert values_of(request, "Content-Type") == ["text/x-mine"]
    assert f"{name}: text/x-mine\r\n".encode() in as_written(request)


def test_without_headers_of_its_own_a_job_is_sent_with_its_id_as_key_and_its_body_s_type(account):
    job = claim(account, body=b"a=1", content_type="application/x-www-form-urlencoded")
    request = render_request(job)
    assert values_of(request, "Idempotency-Key") == values_of(request, "Booper-Job-Id") == [str(job.uuid)]
    assert values_of(request, "Content-Type") == ["application/x-www-form-urlencoded"]


def test_a_job_without_body_has_no_content_type(account):
    request = request_of(account)
    assert (values_of(request, "Content-Type"), request.body) == ([], None)


def test_a_request_tells_its_attempt_and_when_it_was_due(account, moved_clock):
    job = claim(account, attempt=2, due_in_s=-5)
    request = render_request(job)
    assert values_of(request, "Booper-Attempt") == ["3"]
    assert values_of(request, "Booper-Scheduled-At") == [format_instant(clock.now() - 5 * clock.SECOND)]


def test_r3_a_job_of_a_schedule_carries_its_own_instant(account, moved_clock):
    """Those that were made after an outage all carried the moment at which they were made."""
    job = claim(account)._replace(fire_at=clock.now() - 90 * clock.SECOND)
    assert values_of(render_request(job), "Booper-Scheduled-At") == [format_instant(clock.now() - 90 * clock.SECOND)]


def test_a_header_that_is_a_number_is_sent_as_text(account):
    assert values_of(request_of(account, headers={"X-Count": 3}), "X-Count") == ["3"]


def test_what_the_client_ordered_stays_as_it_was(account):
    """Who records the attempt gets the same, and would show our headers as the client's."""
    job = claim(account, args=json.dumps({"url": "http://shop.example/", "headers": {"X-Mine": "1"}}))
    render_request(job)
    assert arguments_of(job) == {"url": "http://shop.example/", "headers": {"X-Mine": "1"}}


@pytest.mark.parametrize(("ordered", "sent"), [({}, "GET"), ({"method": "delete"}, "DELETE")])
def test_the_method_is_get_unless_another_was_ordered(account, ordered, sent):
    assert request_of(account, args=json.dumps({"url": "http://shop.example/"} | ordered)).method == sent


def test_the_query_is_put_behind_the_url(account):
    args = json.dumps({"url": "http://shop.example/a?b=1", "query": {"c": [2, 3]}})
    assert request_of(account, args=args).url == "http://shop.example/a?b=1&c=2&c=3"


def test_the_attempt_has_the_job_s_time_and_counts_for_its_account(account):
    request = request_of(account, timeout_ms=1234)
    assert (request.timeout_ms, request.owner) == (1234, account.id)


def test_the_lookups_of_a_follow_up_are_not_counted_with_those_of_its_account_s_jobs(account):
    assert request_of(account, kind="event").owner == -account.id


@pytest.mark.parametrize("body", [None, b'{"a":  1.0}'])
def test_a_signature_is_over_the_body_as_sent_and_the_instant_of_the_attempt(account, moved_clock, body):
    secret = new_secret()
    job = claim(account, body=body, content_type=body and "application/json")
    request = render_request(job, DeliveryConfig(keys=((secret, None),)))
    assert (
        request.headers.items()
        >= headers_for([secret], str(job.uuid), clock.now() // clock.SECOND, body or b"").items()
    )


@pytest.mark.parametrize(("channels", "url"), [({"slack": "https://h/secret"}, "https://h/secret"), ({}, "")])
def test_a_message_to_a_channel_goes_where_the_channel_leads_now(account, channels, url):
    args = json.dumps({"method": "post", "url": "https://h/[redacted]", "channel": "slack"})
    assert request_of(account, DeliveryConfig(channels=channels), kind="channel", args=args).url == url


def test_a_job_that_may_be_acknowledged_says_where_and_no_other_does(account):
    plain, later = claim(account), claim(account, ack_within_us=clock.MINUTE)
    assert "Booper-Ack-Url" not in render_request(plain, acks=AckUrls("https://a.example/b")).headers
    url = render_request(later, acks=AckUrls("https://a.example/b")).headers["Booper-Ack-Url"]
    assert url.startswith("https://a.example/b/api/acks/")
    assert attempted_by(url.rpartition("/")[2], session_secret()) == (later.id, later.claim_id)


def test_a_job_that_may_be_acknowledged_is_not_sent_where_nobody_said_at_which_address(account):
    with pytest.raises(Blocked, match="BOOPER_PUBLIC_URLS") as refused:
        render_request(claim(account, ack_within_us=clock.MINUTE))
    assert refused.value.reason == "invalid_request"  # it is refused for good


def test_a_mail_has_these_headers_in_each_attempt_and_both_forms_of_its_text(account, moved_clock):
    parts = {"subject": "Late: ü", "text": "as text", "html": "<p>as html</p>"}
    job = claim(account, kind="alert", body=json.dumps(parts).encode())

    mail = render_mail(job, "ops@a.example", "booper@b.example")

    assert {name: value for name, value in mail.items() if name not in ("MIME-Version", "Content-Type")} == {
        "From": "booper@b.example",
        "To": "ops@a.example",
        "Subject": "Late: ü",
        "Date": "Thu, 01 Jan 2026 09:00:00 +0000",
        "Message-ID": f"<{job.uuid}@b.example>",
        "Auto-Submitted": "auto-generated",  # nobody's holiday notice answers it
    }
    assert [(part.get_content_type(), part.get_content().strip()) for part in mail.iter_parts()] == [
        ("text/plain", "as text"),
        ("text/html", "<p>as html</p>"),
    ]
