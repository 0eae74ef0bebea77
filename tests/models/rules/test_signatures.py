"""Signatures by Standard Webhooks 1.0, held to its published example and to its reference verifier."""

import base64
import time

import pytest
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from models.rules import signatures

# The example of the specification's own test suites.
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
EXAMPLE = ("msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}')
SIGNED = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def encoded(count):
    return f"whsec_{base64.b64encode(bytes(range(count))).decode()}"


def test_the_published_example_is_signed_as_published():
    headers = signatures.headers_for([SECRET], *EXAMPLE)
    assert headers == {"webhook-id": EXAMPLE[0], "webhook-timestamp": "1614265330", "webhook-signature": SIGNED}


@pytest.mark.parametrize("body", [b"", b"{}", '{"é": "\\u0000 \U0001f600"}'.encode()])
def test_the_reference_verifier_takes_what_we_sign(body):
    secret = signatures.new_secret()
    Webhook(secret).verify(body, signatures.headers_for([secret], "id", int(time.time()), body), json_parse=False)


def test_with_two_keys_either_verifies():
    old, new = signatures.new_secret(), signatures.new_secret()
    headers = signatures.headers_for([old, new], "id", int(time.time()), b"1")
    assert headers["webhook-signature"].count("v1,") == 2
    for secret in (old, new):
        assert Webhook(secret).verify(b"1", headers) == 1


def test_a_changed_body_id_or_time_does_not_verify():
    secret, now = signatures.new_secret(), int(time.time())
    headers = signatures.headers_for([secret], "id", now, b"1")
    for changed, body in (
        ({}, b"2"),
        ({"webhook-id": "other"}, b"1"),
        ({"webhook-timestamp": str(now - 1)}, b"1"),
    ):
        with pytest.raises(WebhookVerificationError):
            Webhook(secret).verify(body, headers | changed)


def test_without_a_key_there_are_no_headers():
    assert signatures.headers_for([], "id", 1, b"") == {}


@pytest.mark.parametrize("count", [24, 32, 64])
def test_a_secret_of_24_to_64_bytes_is_taken(count):
    assert signatures.key_of(encoded(count)) == bytes(range(count))


@pytest.mark.parametrize(
    "text", [encoded(23), encoded(65), encoded(32)[6:], "whsec_", "whsec_****", f"{encoded(32)} ", "whsec_é", "sk_1"]
)
def test_anything_else_is_no_secret(text):
    with pytest.raises(ValueError, match=r"^(no base64|another form)$"):
        signatures.key_of(text)


def test_a_new_secret_has_32_random_bytes():
    secrets = {signatures.new_secret() for _ in range(10)}
    assert {len(signatures.key_of(secret)) for secret in secrets} == {32}
    assert len(secrets) == 10
