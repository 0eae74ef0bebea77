"""The overview: what the last hour brought, as its legends tell it."""

import json
import re

from models.jobs import job_store
from models.jobs.job_store import NewJob
from models.rules import clock
from tests.support.attempt_rows import note
from tests.support.browsers import Markup


def legends(browser):
    """The legends of the two charts, as text."""
    page = browser.get("/").text
    return [re.sub("<[^>]+>", "", text).strip() for text in re.findall(r'<p class="legend[^>]*>(.*?)</p>', page)]


def test_the_lateness_told_is_that_of_the_latest_minute_with_attempts(alice, moved_clock):
    note(alice.account, 30, 40_000)
    note(alice.account, 2, 900)
    assert legends(alice)[1] == "50% within 0.5 ms 99% within 1.0 ms in the latest minute"

    note(alice.account, 1, 40_000)
    assert legends(alice)[1] == "50% within 35 ms 99% within 50 ms in the latest minute"


def test_the_attempts_told_are_those_of_the_last_hour(alice, bob, moved_clock):
    for minutes_ago in (0, 59, 60):
        note(alice.account, minutes_ago, 900, completed=1000, failed=2)
    note(bob.account, 1, 900, completed=5)

    assert legends(alice)[0] == "2,000 completed 4 failed"


def test_an_hour_without_attempts_tells_of_none(alice, moved_clock):
    note(alice.account, 60, 900)

    assert legends(alice) == ["0 completed 0 failed", "50% within – 99% within –"]
    assert alice.get("/").text.count("No attempts in the last hour.") == 2


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
