"""POST /api/jobs/batch: each job is stored or refused by itself, in the order of the request."""

import dataclasses
import json

import pytest

from api import create_app
from api.routes.batch import MAX_JOBS
from models.database.sql import fetch
from models.jobs import job_store
from runtime import settings as booper_settings
from tests.support.api_client import FORM, URL, ApiClient, errors_of, one_database
from tests.support.races import map_at_once


def batch(client, *jobs, **options):
    return client.post("/api/jobs/batch", json={"jobs": list(jobs)}, **options)


def batch_text(client, text):
    return client.post("/api/jobs/batch", data=text.encode(), content_type="application/json")


def items(answer):
    assert answer.status_code == 201, answer.text
    return answer.json["data"]


def item_of(**fields):
    return {"url": URL, **fields}


def count_jobs():
    return fetch("SELECT count(*) FROM job")[0][0]


def test_every_item_makes_its_job_in_the_order_of_the_request(client):
    made = items(batch(client, *[item_of(name=f"n{number}", body={"n": number}) for number in range(5)]))
    assert [job["name"] for job in made] == ["n0", "n1", "n2", "n3", "n4"]
    for job in made:
        assert client.get(f"/api/jobs/{job['id']}").json["data"] == job


def test_a_job_of_a_batch_is_what_it_would_be_alone(client, moved_clock):
    fields = {"method": "POST", "headers": {"X-A": "b"}, "schedule_in": [30, "seconds"], "timeout": 5, "max_age": 60}
    alone, (together,) = client.created(**fields), items(batch(client, item_of(**fields)))
    for job in (alone, together):
        job["id"] = job["job_id"] = job["job"]["id"] = None
    assert together == alone
    columns = ", ".join(set(job_store.WRITTEN) - {"uuid"})
    assert len({*fetch(f"SELECT {columns} FROM job")}) == 1


def test_a_wrong_item_gets_its_error_in_its_place_and_spoils_no_other(client):
    answer = batch(
        client, item_of(name="first"), {"url": "x", "timeout": 0}, 7, item_of(max_attemps=1), item_of(name="last")
    )

    first, wrong, number, misspelt, last = items(answer)

    assert (first["name"], last["name"], count_jobs()) == ("first", "last", 2)
    for item in (wrong, number, misspelt):
        assert set(item) == {"error"}
        assert set(item["error"]) == {"status", "code", "message", "errors", "request_id"}
        assert (item["error"]["status"], item["error"]["code"]) == (422, "invalid_request")
        assert item["error"]["request_id"] == answer.headers["X-Request-Id"]
    assert set(wrong["error"]["errors"]) == {"url", "timeout"}
    assert number["error"]["errors"] == {"": ["must be a JSON object, got a number"]}
    assert misspelt["error"]["errors"] == {"max_attemps": ["unknown field, did you mean `max_attempts`?"]}


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ('{"url": "https://example.com", "url": "https://example.org"}', "url"),
        ('{"url": "https://example.com", "name": "\\u0000"}', "name"),
        ('{"url": "https://example.com", "body": ["\\ud800"]}', "body.0"),
        ('{"url": "https://example.com", "body": ' + "[" * 70 + "]" * 70 + "}", None),
        ("[]", ""),
    ],
)
def test_what_can_not_be_kept_is_refused_where_it_stands(client, text, path):
    wrong, right = items(batch_text(client, f'{{"jobs": [{text}, {{"url": "{URL}"}}]}}'))
    assert wrong["error"]["status"] == 422
    assert path is None or list(wrong["error"]["errors"]) == [path]
    assert right["job"]["state"] == "available"


def test_each_body_keeps_its_bytes(client):
    texts = ['{ "b":1,  "a":\t1.50 }', '[1e2,"\\u00e9"]', '"plain"', "null"]
    orders = ", ".join(f'{{"body" : {text} , "url": "{URL}"}}' for text in texts)
    items(batch_text(client, f' {{ "jobs" : [ {orders} ] }} '))
    bodies = [row[0] and bytes(row[0]).decode() for row in fetch("SELECT body FROM job ORDER BY id")]
    assert bodies == [texts[0], texts[1], "plain", None]


FRAMES = [
    ("{}", "jobs"),
    ('{"jobs": {}}', "jobs"),
    ('{"jobs": null}', "jobs"),
    ('{"jobs": "x"}', "jobs"),
    ('{"jobs": []}', "jobs"),
    ('{"jobs": [1], "jobs": [1]}', "jobs"),
    ('{"jobs": [{}], "job": 1}', "job"),
    ("[]", ""),
    ("7", ""),
]


@one_database
@pytest.mark.parametrize(("text", "path"), FRAMES)
def test_a_wrong_frame_is_422_and_stores_nothing(client, text, path):
    assert list(errors_of(batch_text(client, text))) == [path]
    assert count_jobs() == 0


@one_database
@pytest.mark.parametrize("text", ["", "{", '{"jobs": [', '{"jobs": [{}', '{"jobs": [{},]}', '{"jobs": [NaN]}'])
def test_what_is_not_json_is_400(client, text):
    errors_of(batch_text(client, text), 400)


@one_database
def test_a_form_is_no_batch(client):
    answer = client.post("/api/jobs/batch", data=f"jobs[][url]={URL}", content_type=FORM)
    errors_of(answer, 415)
    assert "must be application/json, got" in answer.json["error"]["message"]


@one_database
def test_more_jobs_than_a_batch_may_have_are_refused(client):
    answer = batch(client, *[{}] * (MAX_JOBS + 1))
    assert errors_of(answer) == {"jobs": [f"must have at most {MAX_JOBS} elements, got more"]}
    assert len(items(batch(client, *[{}] * MAX_JOBS))) == MAX_JOBS


def test_a_key_that_is_live_or_comes_twice_answers_its_first_job(client):
    live = client.created(idempotency_key="live")
    made = items(
        batch(
            client,
            item_of(idempotency_key="z"),
            item_of(),
            item_of(idempotency_key="live"),
            item_of(idempotency_key="z"),
        )
    )

    first, plain, held, second = made

    assert held == {**live, "job": {**live["job"], "has_confict": True}}
    assert second == {**first, "job": {**first["job"], "has_confict": True}}
    assert [job["job"]["has_confict"] for job in (first, plain)] == [False, False]
    assert count_jobs() == 3


def test_a_refused_batch_does_not_use_up_its_key(client):
    wrong, right = items(batch(client, item_of(idempotency_key="k", timeout=0), item_of(idempotency_key="k")))
    assert wrong["error"]["errors"].keys() == {"timeout"}
    assert right["job"]["has_confict"] is False


def test_another_account_s_key_is_no_conflict(client, stranger):
    stranger.created(idempotency_key="k")
    (job,) = items(batch(client, item_of(idempotency_key="k")))
    assert job["job"]["has_confict"] is False


def test_batches_with_the_same_keys_in_any_order_at_once_make_each_job_once(client):
    def send(keys):
        return dict(zip(keys, items(batch(client, *[item_of(idempotency_key=key) for key in keys])), strict=True))

    for turn in range(5):
        keys = [f"{turn} {number:03}" for number in range(200)]
        answers = map_at_once(send, [keys, keys[::-1], keys[100:] + keys[:100], keys[::-1]])
        for key in keys:
            jobs = [answer[key] for answer in answers]
            assert len({job["id"] for job in jobs}) == 1
            assert [job["job"]["has_confict"] for job in jobs].count(False) == 1
    assert count_jobs() == 5 * 200


def test_jobs_with_keys_are_inserted_in_the_order_of_their_keys(client):
    made = items(batch(client, *[item_of(idempotency_key=key) for key in "cab"], item_of(name="no key")))
    assert sorted(made, key=lambda job: job["job_id"]) == [made[3], made[1], made[2], made[0]]


def test_the_header_replays_the_whole_answer(client):
    jobs = [item_of(name="a"), {"url": 1}]
    first, again = (batch(client, *jobs, headers={"Idempotency-Key": "h"}) for _ in range(2))
    assert again.text == first.text
    assert (again.status_code, again.headers["Idempotent-Replayed"]) == (201, "true")
    assert count_jobs() == 1
    assert "Idempotency-Key" in errors_of(batch(client, item_of(), headers={"Idempotency-Key": "h"}))


@one_database
def test_a_loop_of_schedulers_is_refused_for_the_whole_batch(client):
    assert "Booper-Hop" in errors_of(batch(client, item_of(), headers={"Booper-Hop": "5"}))
    assert count_jobs() == 0


@pytest.fixture
def small(app, client, db):
    """A client of an app with small limits."""
    chosen = dataclasses.replace(booper_settings.load({}), max_body_bytes=2000, max_batch_bytes=10_000)
    return ApiClient(create_app(chosen), client.headers["Authorization"].split()[1])


@one_database
def test_a_batch_has_a_limit_of_its_own(small):
    fitting = [item_of(name="x" * 100)] * 20
    assert 2000 < len(json.dumps(fitting)) < 10_000
    assert len(items(batch(small, *fitting))) == 20
    errors_of(batch(small, *fitting * 5), 413)
    errors_of(small.create(name="x" * 3000), 413)


@one_database
@pytest.mark.parametrize("letter", ["x", "é", "😀"])
def test_no_job_of_a_batch_is_larger_than_one_alone_may_be(small, letter):
    size = len(letter.encode())
    fits, exceeds = (json.dumps(item_of(body=letter * (b // size)), ensure_ascii=False) for b in (1900, 2100))
    right, wrong = items(batch_text(small, f'{{"jobs": [{fits}, {exceeds}]}}'))
    assert right["job"]["state"] == "available"
    assert wrong["error"]["errors"][""][0].startswith("must be at most 2000 bytes, got 2")


@one_database
@pytest.mark.parametrize("letter", ["x", "é", "😀"])
def test_a_job_of_a_batch_may_be_just_as_large_as_one_alone(small, letter):
    def text_of(size):
        bare_size = len(json.dumps(item_of(body="")).encode())
        count, rest = divmod(size - bare_size, len(letter.encode()))
        return json.dumps(item_of(body=letter * count + "x" * rest), ensure_ascii=False)

    right, wrong = items(batch_text(small, f'{{"jobs": [{text_of(2000)}, {text_of(2001)}]}}'))

    assert right["job"]["state"] == "available"
    assert wrong["error"]["errors"] == {"": ["must be at most 2000 bytes, got 2001"]}


def test_a_batch_needs_a_key(bare):
    errors_of(batch(bare, item_of()), 401)


def test_the_jobs_of_a_batch_that_a_job_orders_count_its_hops(client):
    answer = client.post("/api/jobs/batch", json={"jobs": [{"url": URL}] * 2}, headers={"Booper-Hop": "3"})
    assert answer.status_code == 201, answer.text
    assert fetch("SELECT hops FROM job") == [(3,), (3,)]
