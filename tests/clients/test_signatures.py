"""`verify` takes what Booper signed and nothing else."""

import time

import pytest
from standardwebhooks import Webhook

from booper_client import Client, SignatureError, verify

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
NOW = 1_700_000_000
BODY = b'{"a": 1}'


def signed(body=BODY, at=NOW, secret=SECRET):
    import datetime

    moment = datetime.datetime.fromtimestamp(at, datetime.UTC)
    signature = Webhook(secret).sign("msg", moment, body.decode())
    return {"Webhook-Id": "msg", "Webhook-Timestamp": str(at), "webhook-signature": signature}


def test_a_request_of_a_live_server_is_verified(server, key, receiver):
    with Client(server.url, key) as client:
        secret = client.signing_keys.create().secret
        job = client.jobs.create(f"{receiver.url}/hook", method="post", body={"n": 1})
        client.jobs.wait(job, every_seconds=0.02)
    request = receiver.arrivals[0]

    assert verify(request.body, request.headers, secret) == {"n": 1}
    with pytest.raises(SignatureError):
        verify(request.body + b" ", request.headers, secret)


def test_what_the_standard_s_own_library_signs_is_verified():
    assert verify(BODY, signed(), SECRET, now=NOW) == {"a": 1}


def test_an_empty_body_is_none():
    assert verify(b"", signed(b""), SECRET, now=NOW) is None


def test_any_of_several_signatures_counts():
    headers = signed() | {"webhook-signature": "v1,AAAA " + signed()["webhook-signature"]}

    assert verify(BODY, headers, SECRET, now=NOW) == {"a": 1}


@pytest.mark.parametrize("off", [-301, 301])
def test_a_request_from_too_far_away_is_refused(off):
    with pytest.raises(SignatureError, match="more than 300 seconds"):
        verify(BODY, signed(), SECRET, now=NOW + off)


@pytest.mark.parametrize("off", [-300, 300])
def test_a_request_within_the_tolerance_is_taken(off):
    assert verify(BODY, signed(), SECRET, now=NOW + off) == {"a": 1}


@pytest.mark.parametrize(
    "change",
    [
        {"webhook-signature": "v1,"},
        {"webhook-signature": "v2," + signed()["webhook-signature"][3:]},
        {"webhook-signature": "ä"},
        {"Webhook-Id": "other"},
        {"Webhook-Timestamp": str(NOW + 1)},
        {"Webhook-Timestamp": "soon"},
        {"Webhook-Timestamp": "²"},
    ],
)
def test_a_header_that_was_changed_is_refused(change):
    with pytest.raises(SignatureError):
        verify(BODY, signed() | change, SECRET, now=NOW)


@pytest.mark.parametrize("name", ["Webhook-Id", "Webhook-Timestamp", "webhook-signature"])
def test_a_missing_header_is_named(name):
    headers = {other: value for other, value in signed().items() if other != name}

    with pytest.raises(SignatureError, match=f"{name.lower()} is missing"):
        verify(BODY, headers, SECRET, now=NOW)


def test_another_secret_is_refused():
    with pytest.raises(SignatureError):
        verify(BODY, signed(), "whsec_" + "A" * 32, now=NOW)


def test_a_secret_that_is_none_is_a_mistake_of_the_program():
    with pytest.raises(ValueError, match="must be whsec_"):
        verify(BODY, signed(at=int(time.time())), "whsec_?")
