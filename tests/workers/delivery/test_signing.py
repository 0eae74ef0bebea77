"""What leaves is signed: jobs, callbacks and events of an account with a key, verified by the reference verifier."""

import json

import pytest
from standardwebhooks.webhooks import Webhook

from models.jobs import lifecycle
from models.rules import clock
from models.rules.templating import Memory
from models.webhooks import signing_keys
from tests.support.rows import make_job, reread
from tests.support.waiting import wait_until
from workers.delivery.config_cache import ConfigCache
from workers.delivery.render import render_request
from workers.transport.wire_format import Request

BODY = b'{"a":  1.0}'


def verified(arrival, secret):
    Webhook(secret).verify(arrival.body, arrival.headers, json_parse=False)
    return arrival.headers["webhook-id"]


def test_everything_that_an_account_with_a_key_sends_is_signed(account, embedded, receiver):  # noqa: F811
    secret = signing_keys.create(account.id, None, clock.now()).secret
    notify = json.dumps({"callback": f"{receiver.url}/callback", "webhook": f"{receiver.url}/events"})
    job = make_job(account, url=f"{receiver.url}/job", body=BODY, content_type="application/json", notify=notify)
    wait_until(lambda: len(receiver.arrivals) == 6)

    by_path = {arrival.path: verified(arrival, secret) for arrival in receiver.arrivals}

    assert by_path["/job"] == job.uuid
    for arrival in receiver.arrivals:
        assert arrival.headers["webhook-id"] == arrival.headers["Booper-Job-Id"]
        if arrival.path == "/events":
            assert json.loads(arrival.body)["id"] == arrival.headers["webhook-id"]


def test_a_request_without_body_is_signed_too(account, embedded, receiver):  # noqa: F811
    secret = signing_keys.create(account.id, None, clock.now()).secret
    make_job(account, url=f"{receiver.url}/job", method="get")
    wait_until(lambda: receiver.arrivals)
    verified(receiver.arrivals[0], secret)


def test_an_account_without_a_key_sends_no_signature(account, embedded, receiver):  # noqa: F811
    signing_keys.create(account.id + 1, None, clock.now())
    make_job(account, url=f"{receiver.url}/job")
    wait_until(lambda: receiver.arrivals)
    assert not [name for name in receiver.arrivals[0].headers if name.lower().startswith("webhook-")]


def request_of(account, job, clock_now=None) -> Request:
    [claim] = lifecycle.claim([job.id], clock.now(), clock.SECOND)
    remembered = ConfigCache()
    remembered.refresh([account.id])
    return render_request(claim, remembered.of(account.id))


def test_the_id_stays_and_the_time_is_that_of_the_attempt(account, moved_clock):
    signing_keys.create(account.id, None, clock.now())
    job = make_job(account)
    first = request_of(account, job).headers
    moved_clock.advance(seconds=60)
    lifecycle.rescue(clock.now())

    second = request_of(account, job).headers

    assert first["webhook-id"] == second["webhook-id"] == job.uuid
    assert "." not in first["webhook-id"]
    assert int(second["webhook-timestamp"]) - int(first["webhook-timestamp"]) == 60
    assert first["webhook-signature"] != second["webhook-signature"]
    assert reread(job).attempt == 2


@pytest.mark.parametrize(("seconds", "count"), [(0, 2), (9.9, 2), (10, 1), (1000, 1)])
def test_a_retired_key_signs_until_its_end(account, moved_clock, seconds, count):
    old = signing_keys.create(account.id, None, clock.now())
    signing_keys.create(account.id, None, clock.now())
    signing_keys.retire(account.id, old.uuid, clock.now() + 10 * clock.SECOND, clock.now())
    moved_clock.advance(seconds=seconds)
    signature = request_of(account, make_job(account)).headers["webhook-signature"]
    assert signature.count("v1,") == count


def test_no_header_of_the_job_takes_the_place_of_the_signature(account):
    """The API refuses such names; what an older row may hold must not either."""
    signing_keys.create(account.id, None, clock.now())
    args = json.dumps({"url": "http://x/", "headers": {"webhook-id": "forged"}})
    job = make_job(account, args=args)
    assert request_of(account, job).headers["webhook-id"] == job.uuid


def test_a_schedule_s_job_is_signed_over_the_body_that_is_sent(account):
    """Its dynamic fields are put in when it is sent, so the bytes differ from those ordered."""
    secret = signing_keys.create(account.id, None, clock.now()).secret
    job = make_job(account, body=BODY, content_type="application/json")
    [claim] = lifecycle.claim([job.id], clock.now(), clock.SECOND)
    remembered = ConfigCache()
    remembered.refresh([account.id])
    request = render_request(claim._replace(memory=Memory(None, "{}")), remembered.of(account.id))
    assert request.body != BODY
    assert Webhook(secret).verify(request.body, request.headers)["a"] == 1.0
