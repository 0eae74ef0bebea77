"""Signing keys over the API: the secret once, at most two live, rotation."""

import io
import json

import pytest

from models.rules import clock, signatures
from models.webhooks import signing_keys
from models.webhooks.webhook_tables import SigningKey
from tests.support.api_client import errors_of
from tests.support.races import map_at_once

OWN = signatures.new_secret()
PATH = "/api/signing-keys"


def create_signing_key(client, **fields):
    answer = client.post(PATH, json=fields)
    assert answer.status_code == 201, answer.text
    return answer.json["data"]


def test_a_key_answers_its_secret_once(client):
    key = create_signing_key(client)
    assert set(key) == {"id", "secret"}
    assert len(signatures.key_of(key["secret"])) == 32
    listed = client.get(PATH)
    assert listed.json["data"] == [
        {
            "id": key["id"],
            "name": None,
            "inserted_at": listed.json["data"][0]["inserted_at"],
            "ends_at": None,
            "live": True,
        }
    ]
    assert key["secret"].removeprefix("whsec_") not in listed.text


def test_a_key_needs_no_body(client):
    assert client.post(PATH).status_code == 201


def test_a_secret_of_ones_own_is_taken(client):
    assert create_signing_key(client, secret=OWN)["secret"] == OWN


def test_a_key_is_listed_by_the_name_of_its_owner(client, stranger):
    create_signing_key(client, name="2027, all receivers")
    assert [key["name"] for key in client.get(PATH).json["data"]] == ["2027, all receivers"]
    assert stranger.get(PATH).json["data"] == []


@pytest.mark.parametrize("name", ["", "x" * 101, 5, "a\nb"])
def test_a_name_of_another_form_is_refused_and_makes_no_key(client, name):
    assert set(errors_of(client.post(PATH, json={"name": name}))) == {"name"}
    assert client.get(PATH).json["data"] == []


def post_in_chunks(client, path, fields):
    """A POST whose body comes without a stated length, as a server hands it on."""
    body = io.BytesIO(json.dumps(fields).encode())
    return client.post(
        path,
        input_stream=body,
        content_type="application/json",
        headers={"Transfer-Encoding": "chunked"},
        environ_overrides={"wsgi.input_terminated": True},
    )


def test_a_body_that_comes_in_chunks_is_read_where_it_may_be_left_out(client, moved_clock):
    answer = post_in_chunks(client, PATH, {"secret": OWN})
    retired = post_in_chunks(client, f"{PATH}/{answer.json['data']['id']}/retire", {"after": 60})

    assert (answer.status_code, answer.json["data"]["secret"]) == (201, OWN)
    assert retired.json["data"]["ends_at"] == "2026-01-01T09:01:00.000000Z"
    assert set(errors_of(post_in_chunks(client, PATH, {"secret": "sk_1"}))) == {"secret"}


@pytest.mark.parametrize("secret", ["whsec_c2hvcnQ=", 5, "", ["whsec_"], {}, "sk_1"])
def test_a_secret_of_another_form_is_refused_and_not_quoted(client, secret):
    errors = errors_of(client.post(PATH, json={"secret": secret}))
    assert errors == {"secret": [f"must be {signatures.EXPECTED}, got another text"]}


def test_a_third_live_key_is_refused_until_one_is_retired(client):
    first, _ = create_signing_key(client), create_signing_key(client)
    answer = client.post(PATH, json={})
    assert (answer.status_code, answer.json["error"]["code"]) == (409, "conflict")
    assert client.ask("DELETE", f"{PATH}/{first['id']}").json["data"]["live"] is False
    create_signing_key(client)


def test_two_at_once_make_no_third_key(client, account):
    create_signing_key(client)

    results = map_at_once(lambda _: signing_keys.create(account.id, None, clock.now()), range(4))

    assert sum(result is not None for result in results) == 1
    assert SigningKey.select().count() == 2


def test_a_retired_key_goes_on_until_its_end(client, moved_clock):
    key = create_signing_key(client)
    retired = client.post(f"{PATH}/{key['id']}/retire", json={"after": [1, "hour"]}).json["data"]
    assert (retired["live"], retired["ends_at"]) == (True, "2026-01-01T10:00:00.000000Z")
    moved_clock.advance(hours=1)
    assert client.get(PATH).json["data"][0]["live"] is False


def test_a_retired_key_makes_room_at_the_instant_of_its_end(account, moved_clock):
    first, _ = [signing_keys.create(account.id, None, clock.now()) for _ in range(2)]
    signing_keys.retire(account.id, first.uuid, clock.now() + clock.MINUTE, clock.now())
    moved_clock.now += clock.MINUTE - 1
    assert signing_keys.create(account.id, None, clock.now()) is None
    moved_clock.now += 1
    assert signing_keys.create(account.id, None, clock.now()) is not None


def test_a_retired_key_can_end_sooner_but_not_later(client, moved_clock):
    path = f"{PATH}/{create_signing_key(client)['id']}/retire"
    for after, ends_at in ((100, "09:01:40"), (200, "09:01:40"), (50, "09:00:50"), (0, "09:00:00"), (10, "09:00:00")):
        assert client.post(path, json={"after": after}).json["data"]["ends_at"] == f"2026-01-01T{ends_at}.000000Z"


def test_a_key_goes_on_for_as_long_as_is_said_and_no_longer(client):
    key = client.post(PATH).json["data"]
    path = f"{PATH}/{key['id']}/retire"

    assert set(errors_of(client.post(path, json={"after": 366 * 86_400 + 1}))) == {"after"}
    assert client.post(path, json={"after": [366, "days"]}).status_code == 200


@pytest.mark.parametrize("after", [-1, "soon", [400, "days"], None])
def test_a_wrong_delay_is_refused(client, after):
    path = f"{PATH}/{create_signing_key(client)['id']}/retire"
    assert set(errors_of(client.post(path, json={"after": after}))) == {"after"}


def test_the_keys_of_another_account_are_not_there(client, stranger):
    key = create_signing_key(client)
    assert stranger.get(PATH).json == {"data": []}
    for answer in (stranger.ask("DELETE", f"{PATH}/{key['id']}"), stranger.post(f"{PATH}/{key['id']}/retire")):
        assert errors_of(answer, 404) == {}
    assert client.get(PATH).json["data"][0]["live"] is True


@pytest.mark.parametrize("key", ["nope", "5", "01a20c2a-4b1c-7c60-8f3e-0d7c6b2f9a11"])
def test_a_key_that_is_not_there_is_not_found(client, key):
    assert client.ask("DELETE", f"{PATH}/{key}").status_code == 404


def test_of_keys_that_have_ended_the_last_ones_are_kept(client, account, moved_clock):
    other = signing_keys.create(account.id + 1, None, clock.now())
    signing_keys.retire(account.id + 1, other.uuid, clock.now(), clock.now())
    kept = []

    for _ in range(60):
        moved_clock.advance(seconds=1)
        key = signing_keys.create(account.id, None, clock.now())
        signing_keys.retire(account.id, key.uuid, clock.now(), clock.now())
        kept.append(key.uuid)

    assert [key.uuid for key in signing_keys.listed(account.id)] == kept[-51:]
    assert len(signing_keys.listed(account.id + 1)) == 1
