"""POST /api/acks/{token}: targets that report how an attempt ended."""

import json

import pytest

from models.accounts import session_store
from models.accounts.ack_tokens import Attempted, token_of
from models.database.sql import fetch
from models.operations import cancelling
from models.operations.acks import MAX_BODY_BYTES
from models.rules import clock
from runtime import settings as booper_settings
from tests.support.acks import WITHIN_S, attempted, waiting
from tests.support.api_client import ApiClient, errors_of, one_database
from tests.support.rows import reread
from workers.ticker.acknowledger import end_acknowledged


@pytest.fixture
def settings():
    return booper_settings.load({"BOOPER_PUBLIC_URLS": "https://booper.example"})


def address_of(claim):
    return f"/api/acks/{token_of(attempted(claim), session_store.session_secret())}"


@pytest.fixture
def target(app):
    """A client without any key."""
    return ApiClient(app)


def ack_rows():
    return fetch("SELECT succeeded, body, content_type FROM ack")


@pytest.mark.parametrize(
    ("sent", "stored"),
    [
        ({}, (1, None, None)),
        ({"json": {}}, (1, None, None)),
        ({"json": {"success": True, "body": "done"}}, (1, b"done", "text/plain; charset=utf-8")),
        ({"json": {"success": False, "body": None}}, (0, None, None)),
        (
            {"data": b'{"body": {"a":  1.0}}', "content_type": "application/json"},
            (1, b'{"a":  1.0}', "application/json"),
        ),
    ],
)
def test_a_target_acknowledges_without_a_key(target, account, sent, stored):
    claim = waiting(account)
    answer = target.post(address_of(claim), **sent)
    assert (answer.status_code, answer.json) == (200, {"data": {"acknowledged": True}})
    assert ack_rows() == [stored]


def test_a_second_acknowledgement_is_409_and_a_late_one_410(target, account, moved_clock):
    first, second = waiting(account), waiting(account)
    assert target.post(address_of(first)).status_code == 200
    again = target.post(address_of(first), json={"success": False})
    assert errors_of(again, 409) == {}
    assert "already" in again.json["error"]["message"]
    end_acknowledged(clock.now())
    assert target.post(address_of(first)).status_code == 409

    moved_clock.advance(seconds=WITHIN_S + 1)

    late = target.post(address_of(second))
    assert (late.status_code, late.json["error"]["code"]) == (410, "gone")
    assert reread(first).state == "completed"


def test_an_acknowledgement_of_a_cancelled_job_is_409(target, account):
    claim = waiting(account)
    cancelling.cancel(account.id, claim.id, clock.now())
    assert errors_of(target.post(address_of(claim)), 409) == {}


def test_a_guess_is_404_whether_the_job_exists_or_not(target, account):
    claim = waiting(account)
    forged = token_of(attempted(claim), "another secret")
    of_nobody = token_of(Attempted(10**12, 7), "another secret")
    answers = [target.post(f"/api/acks/{token}") for token in (forged, of_nobody, "x", "A" * 64, "%00", claim.uuid)]
    assert {(answer.status_code, answer.json["error"]["message"]) for answer in answers} == {
        (404, answers[0].json["error"]["message"])
    }
    assert ack_rows() == []


def test_the_address_of_another_job_s_attempt_does_not_end_this_one(target, account, stranger):
    own, others = waiting(account), waiting(account)
    target.post(address_of(others))
    end_acknowledged(clock.now())
    assert (reread(own).state, reread(others).state) == ("executing", "completed")


@one_database
@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH"])
def test_another_method_is_405(target, account, method):
    answer = target.ask(method, address_of(waiting(account)))
    assert errors_of(answer, 405) == {}
    assert ack_rows() == []


@one_database
def test_a_body_is_as_long_as_what_is_kept_of_a_response_and_no_longer(target, account):
    claim, frame = waiting(account), len(b'{"body":""}')
    longest, longer = (
        json.dumps({"body": "x" * (MAX_BODY_BYTES - frame + more)}, separators=(",", ":")) for more in (0, 1)
    )
    assert errors_of(target.post(address_of(claim), data=longer, content_type="application/json"), 413) == {}
    assert ack_rows() == []
    assert target.post(address_of(claim), data=longest, content_type="application/json").status_code == 200


@one_database
@pytest.mark.parametrize(
    ("fields", "path"), [({"success": "no"}, "success"), ({"sucess": False}, "sucess"), ({"success": None}, "success")]
)
def test_a_wrong_field_is_422_and_does_not_use_the_address_up(target, account, fields, path):
    claim = waiting(account)
    assert path in errors_of(target.post(address_of(claim), json=fields))
    assert target.post(address_of(claim)).status_code == 200


def test_an_order_may_say_how_long_its_target_may_take(client):
    job = client.created(ack_within="2h")
    assert job["args"]["ack_within"] == "2h"
    assert fetch("SELECT ack_within_us FROM job") == [(7200 * clock.SECOND,)]
    client.created(cron="@daily", ack_within=60)
    assert fetch("SELECT ack_within_us FROM job WHERE schedule_id IS NOT NULL") == [(60 * clock.SECOND,)]


@one_database
@pytest.mark.parametrize("within", [0, 0.5, 604_801, "8d", [1, "year"], True, "soon"])
def test_an_order_with_a_wrong_time_is_422(client, within):
    assert "ack_within" in errors_of(client.create(ack_within=within))


@one_database
class TestWithoutAnAddress:
    @pytest.fixture
    def settings(self):
        return booper_settings.load({"BOOPER_BROKER_URL": "amqp://broker"})

    def test_an_order_with_a_time_is_422_and_says_why(self, client):
        [message] = errors_of(client.create(ack_within=60))["ack_within"]
        assert "BOOPER_PUBLIC_URLS" in message

    def test_an_order_without_is_taken(self, client):
        client.created(ack_within=None)
