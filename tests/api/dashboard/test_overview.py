"""The overview: what fails, which schedules need somebody, and where its cards lead."""

import json
import re

from models.alerts.conditions import TICKER
from models.jobs import job_store
from models.jobs.job_store import NewJob
from models.jobs.job_tables import Job
from models.operations import heartbeats
from models.operations.heartbeats import WorkerRow
from models.operations.operator_alerts import operator_incidents, turn
from models.operations.operator_alerts.troubles import Trouble
from models.rules import clock
from models.schedules.schedule_tables import Schedule
from tests.support.browsers import Markup, submit_schedule
from tests.support.rows import make_failed_job


def panel(browser, name):
    """The texts of a panel's lines."""
    part = re.search(rf'aria-labelledby="{name}".*?</section>', browser.get("/").text, re.DOTALL)[0]
    lines = re.findall(r"<li>(.*?)</li>", part, re.DOTALL)
    return [" ".join(re.sub("<[^>]+>", "", line).split()) for line in lines]


def test_what_failed_within_a_day_is_told_with_its_cause(alice, bob, moved_clock):
    jobs = [make_failed_job(alice.account, "a.example", "status_401") for _ in range(2)]
    old = make_failed_job(alice.account, "b.example", "timeout")
    make_failed_job(bob.account, "c.example", "timeout")
    Job.update(attempted_at=clock.now()).where(Job.id.in_([job.id for job in jobs])).execute()
    Job.update(attempted_at=clock.now() - 25 * clock.HOUR).where(Job.id == old.id).execute()

    assert panel(alice, "failing") == ["discarded a.example answered 401 Unauthorized 2 now"]
    assert 'href="/jobs?state=discarded&amp;host=a.example&amp;reason=status_401&amp;' in alice.get("/").text


def test_a_count_of_failures_that_were_not_all_looked_at_is_marked_as_the_least(alice, moved_clock, monkeypatch):
    """It was the count of the latest hundred, and stood under "last day" as if there were no others."""
    monkeypatch.setattr("api.dashboard.pages.overview.FAILURES", 2)
    for _ in range(3):
        make_failed_job(alice.account, "a.example", "status_401")
    Job.update(attempted_at=clock.now()).execute()

    assert panel(alice, "failing") == ["discarded a.example answered 401 Unauthorized 2+ now"]


def test_schedules_that_fail_are_told_and_those_on_time_are_not(alice, moved_clock):
    bad, _ = submit_schedule(alice, name="bad one"), submit_schedule(alice, name="good one")
    assert panel(alice, "needy") == []

    Schedule.update(failures=3).where(Schedule.id == bad.id).execute()

    assert panel(alice, "needy")[0].startswith("failing (3) bad one next in")
    assert len(panel(alice, "needy")) == 1


def test_the_card_of_due_jobs_leads_to_those_that_it_counts(alice, moved_clock):
    """It led to the jobs in the state available, but a job whose time has come stays scheduled until it is claimed."""
    args = json.dumps({"url": "https://example.com/late"})
    for hours in (1, 3):
        at = clock.now() + hours * clock.HOUR
        job_store.create(NewJob(alice.account.id, args, None, None, at, host="example.com"), clock.now())
    moved_clock.advance(hours=2)

    page = alice.get("/").text
    [target] = {a["href"] for tag, a in Markup(page).tags if tag == "a" and "due=" in a.get("href", "")}
    rows = [
        a for tag, a in Markup(alice.get(target).text).tags if tag == "a" and a.get("href", "").startswith("/jobs/0")
    ]

    assert "<b>1</b> <span>due now and not sent</span>" in page
    assert len(rows) == 1


def test_open_troubles_of_the_installation_are_shown_without_their_details(alice, moved_clock):
    watch, rule = turn.Turn(), operator_incidents.rule_of("operator", None)
    watch.take(clock.now(), 0.0)
    trouble = Trouble(TICKER, "on host 10.0.0.9", clock.now() - clock.HOUR)
    operator_incidents.update(rule, [trouble], trouble.since, clock.now())

    assert "The ticker is silent, for 1 h 0 min now" in panel(alice, "troubles-title")
    assert "10.0.0.9" not in alice.get("/").text

    operator_incidents.update(rule, [], trouble.since, clock.now())
    assert "The ticker" not in " ".join(panel(alice, "troubles-title"))


def test_a_missing_worker_is_told_above_all_else_and_nothing_is_shown_where_one_runs(alice, moved_clock):
    page = alice.get("/").text
    assert panel(alice, "troubles-title") == ["No worker is running, so nothing is sent. Start one with booper worker."]
    assert page.index('id="troubles"') < page.index('id="timeline"')

    heartbeats.record_heartbeat(WorkerRow("a", "host", 1, "0", 8, 0, 0, clock.now()))

    assert re.search(r'<section id="troubles"[^>]* hidden>', alice.get("/").text)
