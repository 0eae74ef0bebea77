"""ping, echo and broadcast: no key, no database."""

import pytest

from tests.support.api_client import FORM, errors_of

MESSAGE = {"author": "alex", "content": "Hello!"}


def test_ping_answers_pong(bare):
    assert bare.get("/api/ping").json == {"message": "Pong"}


@pytest.mark.parametrize(
    ("body", "content_type", "answer", "answered_as"),
    [
        (b'{"a": [1, null]}', "application/json", b'{"a":[1,null]}', "application/json"),
        (b'"x"', "application/json", b'"x"', "application/json"),
        (b"a[b]=c", FORM, b'{"a":{"b":"c"}}', "application/json"),
        (b"plain \xff", "text/plain", b"plain \xff", "text/plain"),
        (b"<svg onload=x>", "text/html", b"<svg onload=x>", "text/plain"),
        (b"\x00\x01", "image/png", b"\x00\x01", "application/octet-stream"),
        (b"", None, b"{}", "application/json"),
        (b"", "text/plain", b"{}", "application/json"),
    ],
)
def test_echo_gives_the_body_back(bare, body, content_type, answer, answered_as):
    got = bare.post("/api/echo", data=body, content_type=content_type)
    assert (got.status_code, got.data, got.mimetype) == (200, answer, answered_as)


def test_broadcast_gives_its_three_fields_back(bare):
    message = {**MESSAGE, "channel": "news"}
    assert bare.post("/api/broadcast", json=message).json == message


def test_members_that_recurring_jobs_add_are_passed_over(bare):
    added = {"$job": {"id": 5}, "$previous": {}, "$state": {}}
    message = {**MESSAGE, "channel": "news"}
    assert bare.post("/api/broadcast", json={**message, **added}).json == message


def test_a_wrong_message_is_refused_field_by_field(bare):
    errors = errors_of(bare.post("/api/broadcast", json={"author": 5, "content": "x" * 100_001, "chanel": "x"}))
    assert set(errors) == {"author", "content", "channel", "chanel"}
    assert errors["author"] == ["must be a string of at most 255 characters, got 5"]
    assert errors["chanel"] == ["unknown field, did you mean `channel`?"]
