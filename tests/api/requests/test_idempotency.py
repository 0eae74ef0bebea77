"""One job for one request: the field `idempotency_key` and the header `Idempotency-Key`."""

import pytest

from models.database.sql import fetch
from models.jobs import idempotent_requests, job_store, lifecycle
from models.jobs.idempotent_requests import KeyReused
from models.rules import clock
from tests.support.api_client import URL, errors_of, one_database
from tests.support.lost_answers import answer_lost
from tests.support.races import map_at_once


def post_job(client, key=None, **fields):
    """POST with the header."""
    headers = {} if key is None else {"Idempotency-Key": key}
    return client.post("/api/jobs", json={"url": URL, **fields}, headers=headers)


def jobs_stored():
    return fetch("SELECT count(*) FROM job")[0][0]


def test_a_live_key_answers_the_first_job_with_a_conflict(client):
    first = client.created(idempotency_key="k", body=1)
    again = client.create(idempotency_key="k", body=2)
    assert again.status_code == 200
    assert again.json["data"] == {**first, "job": {**first["job"], "has_confict": True}}
    assert client.get(f"/api/jobs/{first['id']}").json["data"] == first
    assert jobs_stored() == 1


@pytest.mark.parametrize("end", ["cancelled", "attempted"])
def test_c4_a_key_is_free_again_once_its_job_was_attempted_or_cancelled(client, end):
    first = client.created(idempotency_key="k")
    if end == "cancelled":
        client.post(f"/api/jobs/{first['id']}/cancel")
    else:
        assert lifecycle.claim([first["job_id"]], clock.now(), 0)
    second = client.created(idempotency_key="k")
    assert second["id"] != first["id"]
    assert second["job"]["has_confict"] is False


def test_c4_a_create_whose_commit_was_not_answered_is_repeated_by_the_header(client):
    """The field holds only until the first attempt: ordered again with it, the request was sent twice."""
    with answer_lost():
        assert post_job(client, "h").status_code == 503
    [(job_id,)] = fetch("SELECT id FROM job")
    assert lifecycle.claim([job_id], clock.now(), 0)

    again = post_job(client, "h")

    assert (again.status_code, again.headers["Idempotent-Replayed"]) == (201, "true")
    assert again.json["data"]["job_id"] == job_id
    assert jobs_stored() == 1


def test_a_key_belongs_to_its_account(client, stranger):
    assert client.created(idempotency_key="k")["id"] != stranger.created(idempotency_key="k")["id"]
    assert post_job(client, "h").status_code == post_job(stranger, "h", body=1).status_code == 201
    assert jobs_stored() == 4


@pytest.mark.parametrize("how", ["field", "header"])
def test_many_equal_requests_at_once_make_one_job(client, how):
    def create():
        return post_job(client, "k") if how == "header" else client.create(idempotency_key="k")

    answers = sum(map_at_once(lambda _: [create() for _ in range(12)], range(8)), [])

    assert {answer.json["data"]["id"] for answer in answers} == {answers[0].json["data"]["id"]}
    assert jobs_stored() == 1
    statuses = sorted(answer.status_code for answer in answers)
    assert statuses == ([201] * 96 if how == "header" else [200] * 95 + [201])
    assert sum("Idempotent-Replayed" in answer.headers for answer in answers) == (95 if how == "header" else 0)


def test_the_header_replays_the_same_answer_whatever_became_of_the_job(client):
    first = post_job(client, "k", schedule_in=60)
    client.post(f"/api/jobs/{first.json['data']['id']}/cancel")
    again = post_job(client, "k", schedule_in=60)
    assert (again.status_code, again.text) == (201, first.text)
    assert again.headers["Idempotent-Replayed"] == "true"
    assert jobs_stored() == 1


def test_the_header_with_another_body_is_refused(client):
    post_job(client, "k", body=1)
    errors = errors_of(post_job(client, "k", body=2))
    assert "must be a new key" in errors["Idempotency-Key"][0]
    assert jobs_stored() == 1


def test_the_same_fields_written_otherwise_are_the_same_request(client):
    post_job(client, "k", body={"a": 1, "b": 2})
    text = '{"body": {"b": 2, "a": 1}, "url": "' + URL + '"}'
    again = client.post("/api/jobs", data=text, content_type="application/json", headers={"Idempotency-Key": "k"})
    assert again.headers["Idempotent-Replayed"] == "true"


def test_a_header_s_answer_is_kept_for_24_hours(client, moved_clock):
    first = post_job(client, "k")
    moved_clock.advance(hours=24, seconds=-1)

    assert post_job(client, "k").text == first.text
    assert idempotent_requests.prune(100, clock.now()) == 0

    moved_clock.advance(seconds=1)
    second = post_job(client, "k", body="another")
    assert second.status_code == 201
    assert second.json["data"]["id"] != first.json["data"]["id"]

    moved_clock.advance(hours=24)
    assert idempotent_requests.prune(100, clock.now()) == 1
    assert idempotent_requests.prune(100, clock.now()) == 0


def test_a_refused_request_does_not_use_up_its_key(client):
    assert post_job(client, "k", timeout=0).status_code == 422
    assert post_job(client, "k", timeout=5).status_code == 201


def test_a_request_that_fails_keeps_nothing(db, account):
    def fail():
        job_store.create(job_store.NewJob(account.id, "{}", None, None, 0), clock.now())
        raise RuntimeError

    with pytest.raises(RuntimeError):
        idempotent_requests.respond_once(account.id, "failing", "f", clock.now(), fail)
    assert jobs_stored() == 0

    kept = idempotent_requests.respond_once(account.id, "failing", "g", clock.now(), lambda: (201, "{}"))
    assert kept == (201, "{}", False)

    with pytest.raises(KeyReused):
        idempotent_requests.respond_once(account.id, "failing", "f", clock.now(), fail)


@one_database
@pytest.mark.parametrize("key", ["", "k" * 256, "tab\tin", "\x7f", "caf\xe9\x80"])
def test_a_header_key_must_be_printable_and_short(client, key):
    errors = errors_of(post_job(client, key))
    assert "1 to 255 printable characters" in errors["Idempotency-Key"][0]


def test_field_and_header_work_together(client):
    first = post_job(client, "h1", idempotency_key="k")
    second = post_job(client, "h2", idempotency_key="k")
    assert (first.status_code, second.status_code) == (201, 200)
    assert post_job(client, "h2", idempotency_key="k").text == second.text


def test_two_accounts_with_one_header_key_each_get_their_own_answer_again(client, stranger):
    first = post_job(client, "k", name="mine")
    second = post_job(stranger, "k", name="theirs")
    assert first.json["data"]["id"] != second.json["data"]["id"]

    assert [post_job(client, "k", name="mine").text, post_job(stranger, "k", name="theirs").text] == [
        first.text,
        second.text,
    ]
    assert errors_of(post_job(client, "k", name="theirs")).keys() == {"Idempotency-Key"}


def test_two_accounts_with_one_live_key_each_get_their_own_job_again(client, stranger):
    first, second = client.created(idempotency_key="k"), stranger.created(idempotency_key="k")

    again = [each.create(idempotency_key="k") for each in (client, stranger)]

    assert [answer.json["data"]["id"] for answer in again] == [first["id"], second["id"]]
    assert [answer.status_code for answer in again] == [200, 200]


def test_a_key_taken_anew_while_old_ones_are_pruned_is_not_forgotten(account, moved_clock, monkeypatch):
    def answer():
        return idempotent_requests.respond_once(account.id, "k", "f", clock.now(), lambda: (201, str(clock.now())))

    answer()
    moved_clock.advance(hours=24)
    these = idempotent_requests.unlocked

    def taken_anew(*chosen):
        answer()
        return these(*chosen)

    monkeypatch.setattr(idempotent_requests, "unlocked", taken_anew)
    assert idempotent_requests.prune(100, clock.now()) == 0
    assert answer() == (201, str(clock.now()), True)
