"""Backfills over HTTP: asking for one, looking at it, cancelling it, and what is refused."""

import pytest

from models.rules import clock
from models.schedules.backfills import backfill_turns
from tests.support.api_client import URL, errors_of, one_database

RANGE = {"from": "2025-12-30T12:00:00Z", "to": "2026-01-01T08:00:00Z"}  # the clock stands at nine of 1 January 2026


@pytest.fixture
def schedule(client, moved_clock):
    return client.post("/api/schedules", json={"url": URL, "cron": "0 */6 * * *"}).json["data"]["id"]


def ask(client, schedule, headers=None, **fields):
    return client.post(f"/api/schedules/{schedule}/backfill", json=RANGE | fields, headers=headers)


def test_a_backfill_is_answered_with_what_it_will_do(client, schedule):
    answer = ask(client, schedule)

    assert answer.status_code == 202
    made = answer.json["data"]
    assert {
        name: made[name] for name in ("state", "instants", "made", "passed_over", "left", "job_id", "ended_at")
    } == {
        **{"state": "running", "instants": 8, "made": 0, "passed_over": 0, "left": 8},
        **{"job_id": None, "ended_at": None},
    }
    assert (made["from"], made["schedule_id"]) == ("2025-12-30T12:00:00.000000Z", schedule)
    assert client.get(f"/api/backfills/{made['id']}").json["data"] == made
    assert client.get(f"/api/schedules/{schedule}/backfills").json["data"] == [made]


def test_a_range_may_reach_up_to_this_instant_and_no_further(client, schedule):
    assert ask(client, schedule, to="2026-01-01T09:00:00Z").status_code == 202
    assert "to" in errors_of(ask(client, schedule, to="2026-01-01T09:00:00.000001Z"))


def test_a_range_may_be_a_single_instant(client, schedule):
    answer = ask(client, schedule, **{"from": RANGE["from"], "to": RANGE["from"]})

    assert (answer.status_code, answer.json["data"]["instants"]) == (202, 1)


def test_its_runs_are_marked_and_its_progress_is_shown(client, schedule):
    made = ask(client, schedule).json["data"]
    backfill_turns.take_turns(clock.now(), 10)

    [run] = client.get(f"/api/schedules/{schedule}/runs?status=backfilled").json["data"]
    shown = client.get(f"/api/backfills/{made['id']}").json["data"]
    assert (run["fire_at"], run["job_id"]) == ("2025-12-30T12:00:00.000000Z", shown["job_id"])
    assert (shown["made"], shown["left"]) == (1, 7)


def test_the_same_key_gets_the_same_answer_and_another_request_is_refused(client, schedule):
    key = {"Idempotency-Key": "once"}
    first = ask(client, schedule, key)

    assert ask(client, schedule, key).json == first.json
    refused = ask(client, schedule)
    assert refused.status_code == 409
    assert first.json["data"]["id"] in refused.json["error"]["message"]


def test_a_cancelled_one_ends(client, schedule):
    made = ask(client, schedule).json["data"]
    answer = client.post(f"/api/backfills/{made['id']}/cancel")

    assert answer.json["data"]["state"] == "cancelled"
    assert answer.json["data"]["ended_at"] is not None
    assert ask(client, schedule).status_code == 202


def test_a_backfill_is_seen_by_its_account_alone(client, stranger, schedule):
    made = ask(client, schedule).json["data"]

    assert ask(stranger, schedule).status_code == 404
    assert stranger.get(f"/api/backfills/{made['id']}").status_code == 404
    assert stranger.post(f"/api/backfills/{made['id']}/cancel").status_code == 404
    assert stranger.get(f"/api/schedules/{schedule}/backfills").status_code == 404
    assert client.get(f"/api/backfills/{made['id']}").json["data"]["state"] == "running"


@one_database
@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"to": "2026-01-01T10:00:00Z"}, "to"),  # it lies ahead
        ({"to": "2025-12-30T11:00:00Z"}, "to"),  # before its beginning
        ({"from": "soon"}, "from"),
        ({"to": None}, "to"),
        ({"from": "2026-01-01T07:00:00Z"}, "from"),  # no instant
        ({"from": "2020-01-01T00:00:00Z"}, "to"),  # too many
        ({"until": "2026-01-01T00:00:00Z"}, "until"),
    ],
)
def test_a_wrong_range_is_refused(client, schedule, fields, field):
    answer = ask(client, schedule, **fields)

    assert list(errors_of(answer)) == [field]
    assert client.get(f"/api/schedules/{schedule}/backfills").json["data"] == []
