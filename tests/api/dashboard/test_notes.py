"""What a page says after a form was accepted: what came of it, and not what usually comes of it."""

import pytest

from api.dashboard.labels import NOTES
from api.dashboard.pages import job as job_page
from models.jobs.job_tables import Job
from models.rules import clock
from models.schedules.backfills.backfill_tables import Backfill
from models.schedules.schedule_tables import Schedule
from models.webhooks import signing_keys
from tests.support.browsers import submit_schedule
from tests.support.rows import make_failed_job, make_job

PAST = {"from": "2026-01-01T06:00", "to": "2026-01-01T08:00"}
ONCE = '{"idempotency_key": "order-1"}'


def said(browser, path, **fields):
    """What the page says that follows the form."""
    answer = browser.get(browser.send(path, **fields).location)
    return next(text for text in sorted(NOTES.values(), key=len, reverse=True) if text in answer.text)


def test_a_schedule_with_a_further_run_is_enabled_with_it(alice, moved_clock):
    made = submit_schedule(alice)
    alice.send(f"/schedules/{made.id}/disable")

    assert said(alice, f"/schedules/{made.id}/enable") == "Enabled. The next run is planned."


def test_no_run_is_said_to_be_planned_of_a_finished_schedule(alice, moved_clock):
    made = submit_schedule(alice, until="2026-01-03T00:00")
    alice.send(f"/schedules/{made.id}/disable")
    moved_clock.advance(days=10)

    assert said(alice, f"/schedules/{made.id}/enable") == "Enabled, but its bounds leave no further run."
    assert Schedule.get().next_at is None


def test_a_schedule_that_was_disabled_already_has_no_jobs_cancelled(alice, moved_clock):
    made = submit_schedule(alice)

    assert "waiting jobs are cancelled" in said(alice, f"/schedules/{made.id}/disable")
    assert said(alice, f"/schedules/{made.id}/disable") == NOTES["was_disabled"]


def test_a_backfill_is_cancelled_and_one_that_has_ended_is_not(alice, moved_clock):
    made = submit_schedule(alice, cron="0 * * * *")
    alice.send(f"/schedules/{made.id}/backfill", **PAST)
    path = f"/backfills/{Backfill.get().uuid}/cancel"

    assert said(alice, path) == "Cancelled."
    moved_clock.advance(seconds=1)
    assert said(alice, path) == NOTES["backfill_over"]


def test_a_backfill_that_is_done_is_not_said_to_be_cancelled(alice, moved_clock):
    made = submit_schedule(alice, cron="0 * * * *")
    alice.send(f"/schedules/{made.id}/backfill", **PAST)
    Backfill.update(state="done", ended_at=clock.now()).execute()

    assert said(alice, f"/backfills/{Backfill.get().uuid}/cancel") == NOTES["backfill_over"]


@pytest.mark.parametrize(("after", "note"), [("now", "Retired."), ("day", NOTES["retires"])])
def test_a_key_that_goes_on_signing_is_not_said_to_be_retired(alice, moved_clock, after, note):
    alice.send("/signing-keys")
    [key] = signing_keys.listed(alice.account.id)

    assert said(alice, f"/signing-keys/{key.uuid}/retire", after=after) == note


def test_a_job_that_was_there_already_is_not_said_to_be_created(alice):
    fields = {"method": "POST", "url": "https://example.com/hook", "when": "now", "more": ONCE}

    assert said(alice, "/jobs/new", **fields) == "Created."
    assert said(alice, "/jobs/new", **fields) == NOTES["known"]
    assert Job.select().count() == 1


def test_a_schedule_is_not_said_to_be_created_where_a_job_has_its_idempotency_key(alice):
    fields = {"method": "POST", "url": "https://example.com/hook", "more": ONCE}
    alice.send("/jobs/new", when="now", **fields)

    assert said(alice, "/jobs/new", when="cron", cron="0 9 * * *", **fields) == NOTES["known"]
    assert Schedule.select().count() == 0


def test_a_callback_that_has_ended_is_not_said_to_be_run_again(alice):
    job = make_job(alice.account, "discarded", kind="callback")

    note = said(alice, "/jobs/chosen", action="retry", job=str(job.id))

    assert "none is a request that has ended" in note


def test_failures_that_were_run_again_meanwhile_were_selected_for_all_that(alice):
    make_failed_job(alice.account, "a.example", "timeout")
    group = {"state": "discarded", "host": "a.example", "reason": "timeout"}

    assert said(alice, "/failures/again", **group) == NOTES["bulk_again"]
    assert said(alice, "/failures/again", **group) == NOTES["none_waits"]


def test_a_job_that_ends_before_it_is_cancelled_is_not_said_to_be_cancelled(alice, monkeypatch):
    job = make_job(alice.account, "executing")
    find = job_page.find_job
    monkeypatch.setattr(job_page, "find_job", lambda key: ended_meanwhile(find(key)))

    assert said(alice, f"/jobs/{job.uuid}/cancel") == NOTES["final"]


def ended_meanwhile(job):
    Job.update(state="completed").where(Job.id == job.id).execute()
    return job
