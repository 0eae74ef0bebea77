"""Which headers are hidden from logs, callbacks and events."""

import pytest

from models.rules.redaction import BODY, REDACTED, hidden_names, is_secret, redacted, redacted_pairs

NOTHING = frozenset()


@pytest.mark.parametrize("word", ["auth", "cookie", "secret", "token", "passw", "apikey", "signature", "credential"])
@pytest.mark.parametrize("form", ["{}", "x-{}", "{}-id", "x-my{}s"])
def test_a_name_that_holds_a_secret_word_is_hidden_wherever_it_stands(word, form):
    assert is_secret(form.format(word), NOTHING)


@pytest.mark.parametrize(
    ("name", "hidden"),
    [
        *[(name, True) for name in ("x-key", "x-api-key", "x_api_key", "my-jwt", "x-session", "x-access-key-id")],
        *[(name, True) for name in ("x-private-key-2", "access_key", "booper-ack-url", "authorization")],
        *[(name, False) for name in ("idempotency-key", "idempotency_key", "x-key-id", "key", "keys", "monkey")],
        *[(name, False) for name in ("content-type", "booper-job-id", "webhook-id", "x-public-keys")],
    ],
)
def test_a_key_at_the_end_is_a_secret_and_a_word_that_only_looks_like_one_is_none(name, hidden):
    assert is_secret(name, NOTHING) is hidden


def test_what_its_owner_wants_hidden_is_hidden_too():
    names = hidden_names('["content-type", "idempotency-key", "body"]')

    assert names == {"content-type", "idempotency-key", BODY}
    assert hidden_names(None) == hidden_names("") == NOTHING
    assert is_secret("idempotency-key", names)
    shown = redacted({"Content-Type": "a", "Accept": "b", "X-Key": "c"}, names)
    assert shown == {"Content-Type": REDACTED, "Accept": "b", "X-Key": REDACTED}


def test_a_repeated_header_is_shown_as_often_as_it_came_and_hidden_as_often():
    headers = [("Set-Cookie", "a"), ("Vary", "b"), ("Set-Cookie", "c"), ("Vary", "d")]

    assert redacted_pairs(headers, NOTHING) == {"Set-Cookie": f"{REDACTED}, {REDACTED}", "Vary": "b, d"}


def test_headers_that_come_once_are_shown_in_their_order():
    headers = [("X-Token", "a"), ("Vary", "b"), ("Age", "c")]

    assert list(redacted_pairs(headers, NOTHING).items()) == [("X-Token", REDACTED), *headers[1:]]
