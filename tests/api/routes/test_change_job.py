"""PATCH /api/jobs/{id}: what is changed, what stays, and when it is too late."""

import json

import pytest

from models.database.sql import execute
from models.jobs import lifecycle, states
from models.jobs.job_tables import Job, JobLabel, LogEntry
from models.rules import clock
from models.rules.clock import SECOND
from tests.support.api_client import FORM, URL, errors_of
from tests.support.rows import make_job
from tests.support.transitions import MARGIN

OTHER = "https://other.example/hook"


def change(client, job, **fields):
    return client.ask("PATCH", f"/api/jobs/{job['id']}", json=fields)


def changed(client, job, **fields):
    answer = change(client, job, **fields)
    assert answer.status_code == 200, answer.text
    return answer.json["data"]


def row_of(job):
    return Job.get_by_id(job["job_id"])


def test_each_field_that_a_change_names_is_changed(client, moved_clock):
    job = client.created(method="post", schedule_in=60, body={"a": 1}, labels=["x"], headers={"X-A": "1"})
    fields = {
        **{"url": OTHER, "method": "PUT", "body": [1.50], "headers": {"X-B": "2"}, "query": {"q": 1}},
        **{"name": "n", "description": "d", "labels": ["y", "z"], "timeout": 5, "max_attempts": 3},
        **{"backoff": {"fixed": 9}, "max_age": 600, "redact": ["x-b"], "callback_url": OTHER, "stop_on": ["4xx"]},
    }

    answer = client.ask(
        "PATCH",
        f"/api/jobs/{job['job_id']}",
        data=json.dumps(fields).replace("1.5", "1.50"),
        content_type="application/json",
    ).json["data"]

    assert answer["args"] == {**fields, "method": "put", "schedule_in": 60}
    row = row_of(job)
    assert (bytes(row.body), row.content_type, row.host) == (b"[1.50]", "application/json", "other.example")
    assert (row.name, row.description, row.timeout_ms, row.max_attempts) == ("n", "d", 5000, 3)
    assert (row.backoff, row.redact) == ('{"fixed":9}', '["x-b"]')
    assert (row.notify, row.judging) == (f'{{"callback":"{OTHER}"}}', '{"stop_on":["4xx"]}')
    assert (row.state, row.scheduled_at) == ("scheduled", clock.now() + 60 * SECOND)
    assert row.retry_until == row.scheduled_at + 600 * SECOND
    assert [label.label for label in JobLabel.select().order_by(JobLabel.label)] == ["y", "z"]


def test_what_a_change_does_not_name_stays(client, moved_clock):
    job = client.created(
        **{"method": "post", "scheduled_at": "2026-01-01T10:00:00Z", "idempotency_key": "k", "body": "text"},
        **{"labels": ["x"], "flow": {"key": "f"}, "lane": "l", "timeout": 7, "name": "before"},
    )
    before = row_of(job).__data__

    answer = changed(client, job, name="after")

    assert answer == {**job, "name": "after", "args": {**job["args"], "name": "after"}}
    after = row_of(job).__data__
    assert {name for name in before if before[name] != after[name]} == {"args", "name"}
    assert JobLabel.select().count() == 1


def test_null_removes_a_field(client):
    job = client.created(
        schedule_in=60, **{"body": {"a": 1}, "timeout": 9, "backoff": [1], "labels": ["x"], "query": {"q": 1}}
    )

    answer = changed(client, job, body=None, timeout=None, backoff=None, labels=None, query=None)

    assert answer["args"] == {"url": URL, "schedule_in": 60}
    row = row_of(job)
    assert (row.body, row.content_type, row.timeout_ms, row.backoff) == (None, None, 30_000, None)
    assert JobLabel.select().count() == 0


@pytest.mark.parametrize(
    ("time", "due_in_s"),
    [({"schedule_in": 5}, 5), ({"scheduled_at": "2026-01-01T09:00:20Z"}, 20), ({"schedule_in": None}, 0)],
)
def test_another_time_replaces_the_one_before_however_it_was_given(client, moved_clock, time, due_in_s):
    for before in ({"schedule_in": 60}, {"scheduled_at": "2026-01-01T11:00:00Z"}):
        job = client.created(**before, max_age=100)

        answer = changed(client, job, **time)

        assert answer["args"] == {"url": URL, "max_age": 100} | {name: at for name, at in time.items() if at}
        row = row_of(job)
        assert (row.state, row.scheduled_at) == ("scheduled", clock.now() + due_in_s * SECOND)
        assert row.retry_until == row.scheduled_at + 100 * SECOND


def test_a_change_without_a_time_does_not_count_the_wait_anew(client, moved_clock):
    job = client.created(schedule_in=60)
    moved_clock.advance(seconds=30)

    assert changed(client, job, name="n")["job"]["scheduled_at"] == job["job"]["scheduled_at"]


def test_a_job_that_is_due_and_waits_stays_available(client):
    job = client.created()
    assert changed(client, job, url=OTHER)["job"]["state"] == "available"


def test_whoever_staged_or_parked_the_job_finds_it_anew(client, moved_clock):
    job = client.created(schedule_in=60)
    execute("UPDATE job SET staged_at = 1, held_until = 2, parked_by = 3 WHERE id = %s", (job["job_id"],))

    changed(client, job, schedule_in=5)

    row = row_of(job)
    assert (row.staged_at, row.held_until, row.parked_by) == (None, None, None)


def test_the_log_says_which_fields_were_changed(client):
    job = client.created(schedule_in=60)

    changed(client, job, url=OTHER, headers={"Authorization": "s3cret"})

    [entry] = LogEntry.select()
    assert (entry.event, json.loads(entry.payload)) == ("worker.job.changed", {"fields": ["headers", "url"]})


@pytest.mark.parametrize("fields", [{}, {"name": None}, {"url": URL}, {"schedule_in": 60}])
def test_a_change_that_changes_nothing_leaves_no_trace(client, moved_clock, fields):
    job = client.created(schedule_in=60)

    assert changed(client, job, **fields) == job
    assert LogEntry.select().count() == 0


def test_a_change_may_come_as_a_form(client):
    job = client.created(schedule_in=60)

    answer = client.ask("PATCH", f"/api/jobs/{job['id']}", data="timeout=2.5&labels[]=a", content_type=FORM)

    assert answer.json["data"]["args"] == {"url": URL, "schedule_in": 60, "timeout": 2.5, "labels": ["a"]}


@pytest.mark.parametrize(
    ("fields", "path", "message"),
    [
        ({"url": "ftp://x"}, "url", "must be an https URL"),
        ({"url": None}, "url", "must be an https URL, got nothing"),
        ({"nmae": "n"}, "nmae", "unknown field, did you mean `name`?"),
        ({"schedule_in": 1, "scheduled_at": 1}, "scheduled_at", "must be absent when schedule_in is given"),
        ({"idempotency_key": "k"}, "idempotency_key", "must be absent: a change leaves it as it is"),
        ({"flow": None}, "flow", "must be absent: a change leaves it as it is"),
        ({"lane": "l"}, "lane", "must be absent: a change leaves it as it is"),
        ({"cron": "@daily"}, "cron", "must be absent: a change leaves it as it is"),
        ({"timezone": "UTC"}, "timezone", "must be absent"),
    ],
)
def test_what_could_not_be_ordered_or_can_not_be_changed_is_refused(client, fields, path, message):
    job = client.created(schedule_in=60)

    errors = errors_of(change(client, job, **fields))

    assert errors[path][0].startswith(message)
    assert client.get(f"/api/jobs/{job['id']}").json["data"] == job


@pytest.mark.parametrize("state", ["executing", "retryable", *states.FINAL])
def test_a_job_that_was_attempted_or_has_ended_is_not_changed(client, state):
    job = client.created()
    execute("UPDATE job SET state = %s, attempted_at = 1 WHERE id = %s", (state, job["job_id"]))
    before = row_of(job).__data__

    for fields in ({"url": OTHER}, {"schedule_in": 5}):
        assert errors_of(change(client, job, **fields), 409) == {}

    assert row_of(job).__data__ == before
    assert LogEntry.select().count() == 0


def test_a_job_whose_attempt_was_given_back_is_not_changed(client, moved_clock):
    job = client.created()
    lifecycle.release(lifecycle.claim([job["job_id"]], clock.now(), MARGIN))

    assert errors_of(change(client, job, url=OTHER), 409) == {}


def test_a_job_of_a_schedule_is_changed_with_its_schedule(client):
    job = client.created(repeat_every=60)
    assert "change the schedule" in change(client, job, name="n").json["error"]["message"]


@pytest.mark.parametrize("kind", ["callback", "event", "channel"])
def test_what_tells_of_a_job_is_not_changed(client, account, kind):
    job = make_job(account, kind=kind, url=URL)
    assert errors_of(client.ask("PATCH", f"/api/jobs/{job.id}", json={"name": "n"}), 409) == {}


def test_a_stranger_changes_nothing(client, stranger):
    job = client.created(schedule_in=60)
    assert errors_of(change(stranger, job, name="n"), 404) == {}
    assert client.get(f"/api/jobs/{job['id']}").json["data"] == job


def test_a_change_that_came_through_jobs_passes_their_number_on(client):
    job = client.created(schedule_in=60)

    for hop, hops in (("3", 3), ("1", 3)):
        client.ask("PATCH", f"/api/jobs/{job['id']}", json={"name": hop}, headers={"Booper-Hop": hop})
        assert row_of(job).hops == hops

    answer = client.ask("PATCH", f"/api/jobs/{job['id']}", json={"name": "x"}, headers={"Booper-Hop": "5"})
    assert "Booper-Hop" in errors_of(answer)
