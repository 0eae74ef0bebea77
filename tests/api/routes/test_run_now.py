"""POST /api/jobs/{id}/run-now: the job itself is due now."""

import pytest

from models.jobs.job_tables import Job, LogEntry
from models.rules import clock
from tests.support.rows import make_job, reread


def run_now(client, job):
    return client.post(f"/api/jobs/{job.uuid}/run-now")


@pytest.mark.parametrize(("state", "attempt"), [("scheduled", 0), ("retryable", 3)])
def test_a_job_that_waits_is_due_now_and_no_other_is_made(client, account, moved_clock, state, attempt):
    job = make_job(account, state, 3600, attempt=attempt, attempted_at=1 if attempt else None)

    answer = run_now(client, job)

    assert (answer.status_code, answer.json["data"]["job"]["state"]) == (200, state)
    assert (reread(job).scheduled_at, reread(job).attempt) == (clock.now(), attempt)
    assert Job.select().count() == 1
    assert [entry.event for entry in LogEntry.select()] == ["worker.job.changed"]


def test_a_job_that_is_due_already_stays_as_it_is(client, account, moved_clock):
    job = make_job(account, "retryable", -60, attempt=1, attempted_at=1)
    assert run_now(client, job).status_code == 200
    assert reread(job).scheduled_at == job.scheduled_at
    assert LogEntry.select().count() == 0


@pytest.mark.parametrize("state", ["executing", "completed", "discarded", "cancelled"])
def test_a_job_that_does_not_wait_is_refused(client, account, moved_clock, state):
    job = make_job(account, state, 60, attempt=1, attempted_at=1)
    answer = run_now(client, job)
    assert (answer.status_code, answer.json["error"]["status"]) == (409, 409)
    assert "does not wait" in answer.json["error"]["message"]
    assert reread(job).scheduled_at == job.scheduled_at


def test_a_callback_is_retried_now_but_not_begun_before_its_time(client, account, moved_clock):
    fresh, failed = (
        make_job(account, state, 60, kind="callback", attempted_at=at)
        for state, at in (("scheduled", None), ("retryable", 1))
    )
    assert (run_now(client, fresh).status_code, run_now(client, failed).status_code) == (409, 200)
    assert reread(failed).scheduled_at == clock.now()


def test_a_strangers_job_is_not_found(stranger, account, moved_clock):
    job = make_job(account, "retryable", 60)
    assert run_now(stranger, job).status_code == 404
    assert reread(job).scheduled_at == job.scheduled_at
