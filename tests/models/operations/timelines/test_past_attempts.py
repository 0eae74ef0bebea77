"""The attempts of a span of time, as the timeline reads them: all, or a bounded sample that covers the span."""

import pytest

from models.accounts import account_store
from models.flows import gates
from models.jobs.job_kinds import CALLBACK, REQUEST
from models.jobs.job_tables import Job, JobLabel, LogEntry
from models.jobs.searches.job_filter import JobFilter
from models.operations.timelines import past_attempts
from models.rules import clock
from models.rules.clock import MINUTE
from models.rules.limits import FLOW
from tests.support.attempt_rows import add_attempt, attempted_job
from tests.support.schedule_rows import make_schedule

ALL = JobFilter(REQUEST)


@pytest.fixture
def early_log(monkeypatch):
    """Entries keep the instants of their attempts, though the tests write them long after."""
    monkeypatch.setattr("models.database.settling.SETTLE_US", 10 * clock.HOUR)


def read(account, job_filter=ALL, minutes=60):
    now = clock.now()
    return past_attempts.read(account.id, job_filter, now - minutes * MINUTE, now + 1)


def test_the_attempts_of_the_span_are_read_newest_first(account, moved_clock, early_log):
    old, new = attempted_job(account, 3000), attempted_job(account, 20, "status_500")
    add_attempt(old, 600, number=2)
    attempted_job(account, 3700)

    past = read(account)

    assert [(row.job_id, row.number, row.has_failed) for row in past.attempts] == [
        *[(new.id, 1, True), (old.id, 2, False), (old.id, 1, False)]
    ]
    assert past.is_whole


def test_attempts_of_one_instant_come_in_one_order(account, moved_clock, early_log):
    """The newest job first, as if it had begun a moment later, and of one job the latest attempt."""
    jobs = [attempted_job(account, 60) for _ in range(5)]
    for job in (jobs[2], jobs[0]):
        add_attempt(job, 60, number=2)

    attempts = [(row.job_id, row.number) for row in read(account).attempts]

    assert len(attempts) == 7
    assert attempts == sorted(attempts, reverse=True)


@pytest.mark.parametrize("scope", ["label", "schedule"])
def test_of_many_jobs_of_one_instant_the_last_count(account, moved_clock, monkeypatch, scope):
    monkeypatch.setattr(past_attempts, "NEWEST", 2)
    schedule_id = make_schedule(account, first_in_s=600)
    jobs = [attempted_job(account, 60, schedule_id=schedule_id, inserted_at=clock.now()) for _ in range(4)]
    JobLabel.insert_many(
        [{"account_id": account.id, "label": "nightly", "inserted_at": 0, "job_id": job.id} for job in jobs]
    ).execute()
    job_filter = ALL._replace(label="nightly") if scope == "label" else ALL._replace(schedule=schedule_id)
    Job.delete().where(Job.schedule_id == schedule_id, Job.attempt == 0).execute()

    attempts = read(account, job_filter).attempts

    assert [row.job_id for row in attempts] == [jobs[3].id, jobs[2].id]


def test_an_attempt_that_began_after_the_span_is_left_out(account, moved_clock, early_log):
    attempted_job(account, 60)

    assert past_attempts.read(account.id, ALL, 0, clock.now() - MINUTE).attempts == []


def test_attempts_of_another_account_and_of_callbacks_are_left_out(account, moved_clock, early_log):
    other = account_store.account_named("other", clock.now())
    attempted_job(other, 60)
    attempted_job(account, 60, kind=CALLBACK)

    assert read(account).attempts == []


def test_a_filter_leaves_the_attempts_of_its_jobs(account, moved_clock, early_log):
    flow = gates.hold(account.id, FLOW, "shop-42", clock.now())
    chosen = attempted_job(account, 60, host="api.example.com", flow_id=flow.id)
    attempted_job(account, 60, host="other.example.com")
    JobLabel.insert(account_id=account.id, label="vip", inserted_at=chosen.inserted_at, job_id=chosen.id).execute()

    for fields in ({"host": "api.example.com"}, {"flow": "shop-42"}, {"label": "vip"}):
        assert [row.job_id for row in read(account, ALL._replace(**fields)).attempts] == [chosen.id], fields


def test_the_attempts_of_a_schedule_are_found_by_its_jobs(account, moved_clock, early_log):
    key = "0199cafe-0000-7000-8000-000000000001"
    chosen = attempted_job(account, 60, schedule_id=key)
    attempted_job(account, 60, schedule_id="0199cafe-0000-7000-8000-000000000002")

    assert [row.job_id for row in read(account, ALL._replace(schedule=key)).attempts] == [chosen.id]


def test_beyond_the_limit_a_sample_covers_the_whole_span(account, moved_clock, early_log, monkeypatch):
    monkeypatch.setattr(past_attempts, "WHOLE", 20)
    monkeypatch.setattr(past_attempts, "SLICES", 6)
    monkeypatch.setattr(past_attempts, "OF_SLICE", 2)
    for number in range(60):
        attempted_job(account, 30 + number * 60)

    past = read(account)

    assert not past.is_whole
    assert len(past.attempts) <= 12
    tens = {(clock.now() - row.started_at) // (10 * MINUTE) for row in past.attempts}
    assert tens == {0, 1, 2, 3, 4, 5}


def test_below_the_limit_nothing_is_left_out(account, moved_clock, early_log, monkeypatch):
    monkeypatch.setattr(past_attempts, "WHOLE", 121)
    for number in range(60):
        attempted_job(account, 30 + number * 59)

    past = read(account)

    assert (len(past.attempts), past.is_whole) == (60, True)


def test_the_log_leads_to_the_attempts(account, moved_clock, early_log):
    """The index that the reading lives on: without entries there is no attempt to be found."""
    attempted_job(account, 60)
    LogEntry.delete().execute()

    assert read(account).attempts == []


@pytest.mark.parametrize(("most", "is_whole"), [(2, False), (4, True)])
def test_of_a_label_the_newest_jobs_count(account, moved_clock, early_log, monkeypatch, most, is_whole):
    monkeypatch.setattr(past_attempts, "NEWEST", most)
    jobs = [attempted_job(account, seconds) for seconds in (30, 20, 10)]
    for number, job in enumerate(jobs):
        at = clock.now() + number
        JobLabel.insert(account_id=account.id, label="vip", inserted_at=at, job_id=job.id).execute()

    past = read(account, JobFilter(REQUEST, label="vip"))

    assert ([row.job_id for row in past.attempts], past.is_whole) == ([job.id for job in jobs[::-1]][:most], is_whole)
