"""GET /api/jobs: filters, order, pages."""

import json

import pytest

from models.database.sql import execute
from models.jobs import states
from models.rules import clock
from tests.support.api_client import errors_of, one_database


def ids(answer):
    assert answer.status_code == 200, answer.text
    return [job["job_id"] for job in answer.json["data"]]


@pytest.fixture
def seven(client, moved_clock):
    """A job in each state, made a second apart; ids by state."""
    made = {}
    for name, state in enumerate(states.STATES):
        moved_clock.advance(seconds=1)
        made[state] = client.created(name=f"n{name}")["job_id"]
        stamp = {"completed": "completed_at", "discarded": "discarded_at", "cancelled": "cancelled_at"}.get(state)
        execute("UPDATE job SET state = %s WHERE id = %s", (state, made[state]))
        if stamp:
            execute(f"UPDATE job SET {stamp} = %s WHERE id = %s", (clock.now(), made[state]))
    moved_clock.advance(seconds=2)
    return made


def test_the_newest_ten_come_first(client):
    made = [client.created()["job_id"] for _ in range(12)]
    assert ids(client.get("/api/jobs")) == made[::-1][:10]


def test_jobs_made_in_one_microsecond_keep_their_order(client, moved_clock):
    made = [client.created()["job_id"] for _ in range(5)]
    pages = [ids(client.get(f"/api/jobs?limit=2&offset={offset}")) for offset in (0, 2, 4, 6)]
    assert pages == [made[:2:-1], made[2:0:-1], made[:1], []]
    moved_clock.advance(seconds=2)
    assert ids(client.get("/api/jobs?order_by=inserted_at,asc")) == made


@pytest.mark.parametrize("field", ["inserted_at", "job_id"])
def test_a_job_that_was_just_made_is_in_no_list_that_is_followed_yet(client, moved_clock, field):
    made = client.created()["job_id"]

    assert ids(client.get("/api/jobs")) == [made]
    assert ids(client.get(f"/api/jobs?order_by={field},asc")) == []
    moved_clock.advance(seconds=2)
    assert ids(client.get(f"/api/jobs?order_by={field},asc")) == [made]


def test_a_state_selects_its_jobs(client, seven):
    for state in states.STATES:
        assert ids(client.get(f"/api/jobs?state={state}")) == [seven[state]]


FORMS = [
    {"order_by[]": ["{0}", "{1}"]},
    {"order_by": ["{0}", "{1}"]},
    {"order_by[0]": "{0}", "order_by[1]": "{1}"},
    {"order_by": "{0},{1}"},
    {"order_by": '["{0}", "{1}"]'},
]


@one_database
@pytest.mark.parametrize("form", FORMS, ids=str)
def test_every_form_of_order_by_means_the_same(client, seven, form):
    text = json.dumps(form).replace("{0}", "job_id").replace("{1}", "asc")
    assert ids(client.get("/api/jobs", query_string=json.loads(text))) == sorted(seven.values())


def test_a_list_is_ordered_both_ways(client, seven):
    for field in ["inserted_at", "scheduled_at", "job_id", "state", "name"]:
        up, down = (ids(client.get(f"/api/jobs?order_by={field},{way}")) for way in ("asc", "desc"))
        assert up == down[::-1]
        expected = sorted(seven) if field == "state" else states.STATES
        assert up == [seven[state] for state in expected]


@pytest.mark.parametrize("field", ["attempted_at", "completed_at", "cancelled_at", "discarded_at"])
@pytest.mark.parametrize("way", ["asc", "desc"])
def test_jobs_without_the_stamp_come_last_by_id(client, seven, field, way):
    execute("UPDATE job SET attempted_at = 5 WHERE id = %s", (seven["executing"],))
    stamped = {"attempted_at": seven["executing"]}.get(field) or seven[field.removesuffix("_at")]
    rest = sorted((job for job in seven.values() if job != stamped), reverse=way == "desc")
    assert ids(client.get(f"/api/jobs?order_by={field},{way}")) == [stamped, *rest]


def test_names_are_ordered_by_code_point_on_both_databases(client):
    made = {name: client.created(name=name)["job_id"] for name in ("b", "a", "B", "Z", "é", "_")}
    made[None] = client.created()["job_id"]
    expected = [made[name] for name in ("B", "Z", "_", "a", "b", "é", None)]
    assert ids(client.get("/api/jobs?order_by=name,asc")) == expected


def test_only_requests_are_listed_by_default(client):
    request, callback = client.created()["job_id"], client.created()["job_id"]
    execute("UPDATE job SET kind = 'callback' WHERE id = %s", (callback,))
    assert ids(client.get("/api/jobs")) == [request]
    assert ids(client.get("/api/jobs?kind=callback")) == [callback]
    assert ids(client.get("/api/jobs?kind=event")) == []


@one_database
@pytest.mark.parametrize(
    ("query", "field", "message"),
    [
        ("limit=0", "limit", 'must be a whole number from 1 to 100, got "0"'),
        ("limit=101", "limit", 'got "101"'),
        ("limit=-1", "limit", 'got "-1"'),
        ("limit=1e2", "limit", 'got "1e2"'),
        ("limit=%D9%A1", "limit", "must be a whole number"),
        ("limit=", "limit", 'got ""'),
        ("limit=%zz", "limit", 'got "%zz"'),
        ("limit=%ff", "limit", "must be a whole number"),
        ("limit=" + "9" * 40, "limit", "must be a whole number"),
        ("limit=1&limit=2", "limit", 'got ["1", "2"]'),
        ("offset=-1", "offset", "must be a whole number from 0 to 100000"),
        ("offset=1000000001", "offset", 'got "1000000001"'),
        ("offset=9223372036854775808", "offset", "must be a whole number"),
        ("state=done", "state", "must be one of available, scheduled, executing"),
        ("state=", "state", 'got ""'),
        ("state=scheduled%00", "state", "must be one of"),
        ("state[]=scheduled", "state[]", "unknown field, did you mean `state`?"),
        ("kind=all", "kind", "must be one of request, callback, event"),
        ("order_by=inserted_at", "order_by", "must be a pair"),
        ("order_by=inserted_at,up", "order_by", 'got ["inserted_at,up"]'),
        ("order_by=inserted_at;drop table job,asc", "order_by", "must be a pair"),
        ("order_by=account_id,asc", "order_by", "the field one of inserted_at, scheduled_at"),
        ("order_by[]=name", "order_by", "must be a pair"),
        ("order_by[]=name&order_by[]=asc&order_by[]=x", "order_by", "must be a pair"),
        ("order_by=[1,2]", "order_by", "must be a pair"),
        ("order_by=[[],{}]", "order_by", "must be a pair"),
        ("order_by=[" + "[" * 5000, "order_by", "must be a pair"),
        ("order_by=", "order_by", "must be a pair"),
        ("statee=x", "statee", "unknown field, did you mean `state`?"),
        ("callback=x", "callback", "unknown field"),
    ],
)
def test_a_wrong_query_is_refused(client, query, field, message):
    errors = errors_of(client.get(f"/api/jobs?{query}"))
    assert set(errors) == {field}
    assert message in errors[field][0]


def test_a_page_beyond_the_end_is_empty(client):
    client.created()
    assert ids(client.get("/api/jobs?offset=100000")) == []
