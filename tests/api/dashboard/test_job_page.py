"""The page of one job: the way back, its attempts in time, its cause in words, and moving it to now."""

import re

import pytest

from api.dashboard.retry_ladder import ladder
from models.jobs.attempt_reasons import cause
from models.jobs.job_tables import Job
from models.jobs.records import AttemptRow, add_attempts
from models.operations import explain, retry_plan
from models.operations.retry_plan import RetryPolicy
from models.rules import clock, times
from tests.support.browsers import submit_schedule
from tests.support.rows import make_job, reread

SECOND = clock.SECOND


def attempt_row(number, started_at, status=503, reason="status_503", job_id=1):
    return AttemptRow(job_id, number, started_at, started_at, 0, "answered", status, reason)


def test_coming_attempts_follow_the_jobs_own_delays():
    policy = RetryPolicy("retryable", 100 * SECOND, 1, 4, "[10, 20, 40]", None)
    assert retry_plan.coming(policy) == [100 * SECOND, 120 * SECOND, 160 * SECOND]
    assert retry_plan.coming(policy._replace(retry_until=130 * SECOND)) == [100 * SECOND, 120 * SECOND]
    assert retry_plan.coming(policy._replace(state="discarded")) == []
    assert len(retry_plan.coming(policy._replace(max_attempts=100))) == retry_plan.MAX_COMING


def test_a_ladder_has_the_made_attempts_and_behind_them_those_to_come():
    dots = ladder([attempt_row(1, 0), attempt_row(2, 10 * SECOND, 200, None)], [100 * SECOND])
    assert [(dot.number, dot.kind) for dot in dots] == [(1, "bad"), (2, "good"), (3, "coming")]
    assert [dot.x for dot in dots] == sorted({dot.x for dot in dots})
    assert (dots[0].x, dots[-1].x) == (12.0, 588.0)
    assert ladder([attempt_row(1, 0)], []) == []


def test_an_attempt_without_an_answer_is_bad_also_where_nothing_follows_from_it():
    """A job that was cancelled during the attempt has no reason."""
    cut = attempt_row(2, SECOND, None, None)._replace(outcome="unreachable")
    assert [(dot.kind, dot.text) for dot in ladder([attempt_row(1, 0), cut], [])][1] == ("bad", "unreachable")


@pytest.mark.parametrize(
    ("reason", "words"),
    [
        ("status_401", "answered 401 Unauthorized"),
        ("status_799", "answered 799"),
        ("certificate_expired", "the target's certificate has expired"),
        ("something new", "something new"),
    ],
)
def test_a_cause_is_in_words(reason, words):
    assert cause(reason) == words


def test_a_failed_job_says_why_in_words_with_the_code_beside_it(alice):
    job = make_job(alice.account, "discarded", attempt=1)
    add_attempts([attempt_row(1, clock.now(), 401, "status_401", job.id)])
    page = alice.get(f"/jobs/{job.uuid}").text
    assert "Given up after attempt 1 of 20: answered 401 Unauthorized." in page
    assert ">status_401</code>" in page


def test_the_way_back_leads_to_the_list_as_it_was_filtered(alice):
    job = make_job(alice.account)
    for referrer, address in [
        ("http://localhost/jobs?q=state%3Afailed", "/jobs?q=state%3Afailed"),
        ("http://localhost/failures?x=1", "/jobs"),
        ("http://stranger.example/jobs?x=1", "/jobs"),
        ('http://localhost/jobs?"><script>', "/jobs?&#34;&gt;&lt;script&gt;"),
    ]:
        page = alice.get(f"/jobs/{job.uuid}", headers={"Referer": referrer}).text
        assert re.search(r'aria-label="Breadcrumb"><a href="([^"]*)"', page)[1] == address


def test_run_now_moves_a_scheduled_job_and_makes_no_other(alice, moved_clock):
    job = make_job(alice.account, "scheduled", due_in_s=3600)
    assert "Run now" in alice.get(f"/jobs/{job.uuid}").text

    assert alice.send(f"/jobs/{job.uuid}/now").status_code == 303

    assert reread(job).scheduled_at == clock.now()
    assert Job.select().count() == 1


def test_retry_now_moves_the_next_attempt_and_makes_no_other_job(alice, moved_clock):
    job = make_job(alice.account, "retryable", due_in_s=3600, attempt=2, attempted_at=clock.now())
    assert "Retry now" in alice.get(f"/jobs/{job.uuid}").text

    assert alice.send(f"/jobs/{job.uuid}/now").status_code == 303

    assert (reread(job).scheduled_at, reread(job).state, Job.select().count()) == (clock.now(), "retryable", 1)
    assert "Retry now" not in alice.get(f"/jobs/{job.uuid}").text


@pytest.mark.parametrize(("due_in_s", "words"), [(60, "next attempt"), (-60, "due again")])
def test_a_next_attempt_in_the_past_is_not_called_the_next(alice, moved_clock, due_in_s, words):
    """It said "next attempt 33 min ago" while the host rested."""
    job = make_job(alice.account, "retryable", due_in_s=due_in_s, attempt=1, attempted_at=clock.now() - clock.HOUR)
    planned = job.scheduled_at + clock.HOUR  # before it was moved by "Retry now"
    add_attempts([AttemptRow(job.id, 1, 0, 0, 0, "answered", 500, "status", next_at=planned)])

    page = alice.get(f"/jobs/{job.uuid}").text

    [(shown, instant)] = re.findall(r'>(next attempt|due again) <time datetime="([^"]*)"', page)
    assert (shown, instant[:19]) == (words, times.format_instant(job.scheduled_at)[:19])


@pytest.mark.parametrize("state", ["executing", "completed", "cancelled"])
def test_a_job_that_has_begun_or_ended_is_not_moved(alice, state):
    job = make_job(alice.account, state, due_in_s=60, attempted_at=clock.now())
    assert "Run now" not in alice.get(f"/jobs/{job.uuid}").text
    assert alice.send(f"/jobs/{job.uuid}/now").status_code == 422
    assert reread(job).scheduled_at == job.scheduled_at


def test_a_job_of_a_schedule_or_of_somebody_else_is_not_moved(alice, bob):
    schedule = submit_schedule(alice, name="nightly report")
    job = Job.get(Job.schedule_id == schedule.id)
    page = alice.get(f"/jobs/{job.uuid}").text
    assert (">nightly report</a>" in page, "Run now" in page) == (True, False)
    assert alice.send(f"/jobs/{job.uuid}/now").status_code == 422
    assert bob.send(f"/jobs/{job.uuid}/now").status_code == 404
    assert reread(job).scheduled_at == job.scheduled_at


def test_a_job_for_a_listener_says_so_and_why_its_attempt_failed(alice):
    job = make_job(alice.account, "retryable", url="listener://laptop/x", attempt=1)
    add_attempts([AttemptRow(job.id, 1, 0, 0, 0, "unreachable", None, "listener_away")])
    page = alice.get(f"/jobs/{job.id}").text
    assert "fetched by the listener <code>laptop</code>" in page
    assert "no listener of this name took the request in time" in page
    assert "As a curl command" not in page


def test_a_job_for_another_target_names_no_listener(alice):
    page = alice.get(f"/jobs/{make_job(alice.account).id}").text
    assert "fetched by the listener" not in page
    assert "As a curl command" in page


@pytest.mark.parametrize(
    ("state", "codes", "title", "is_calm"),
    [
        ("scheduled", ["not_due"], "When does it run?", True),
        ("scheduled", ["not_due", "no_worker"], "When does it run?", False),
        ("retryable", ["waits_for_retry"], "What comes next?", True),
        ("executing", ["lease_held"], "What is it doing?", True),
        ("available", ["queued_behind"], "Why has it not run yet?", False),
    ],
)
def test_a_job_that_waits_as_it_should_raises_no_alarm(alice, monkeypatch, state, codes, title, is_calm):
    """Each job that had not ended had the amber bar of one that something holds up."""
    job = make_job(alice.account, state, 3600, attempt=1, attempted_at=clock.now())
    monkeypatch.setattr(explain, "explain", lambda *_: [explain.Reason(code, "Because.") for code in codes])
    page = alice.get(f"/jobs/{job.uuid}").text
    assert f'<h2 id="why">{title}</h2>' in page
    assert ('class="card why calm"' in page) == is_calm


def test_a_request_that_an_attempt_shows_is_folded_away_below(alice):
    """Its body stood twice on the page."""
    for attempt, is_open in ((0, True), (1, False)):
        job = make_job(alice.account, "scheduled", 60, attempt=attempt)
        add_attempts([attempt_row(number, clock.now(), job_id=job.id) for number in range(1, attempt + 1)])
        assert ('<details id="ordered" open>' in alice.get(f"/jobs/{job.uuid}").text) == is_open
