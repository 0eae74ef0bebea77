"""Lists longer than a page: their links show each row once, and every link of every page leads somewhere."""

import re
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest

from api.dashboard.pages import jobs, logs
from api.dashboard.pages.recurring import schedules
from models.database.ids import new_id
from models.jobs import records
from models.jobs.job_tables import Job, LogEntry
from models.rules import clock
from models.schedules.schedule_tables import Schedule
from tests.support.browsers import Markup
from tests.support.crawling import walk
from tests.support.rows import make_job

JOB_ROW = r'name="job" value="(\d+)"'
LOG_ROW = r'<tr id="entry-([0-9a-f-]{36})"'
SCHEDULE_ROW = r'class="wide"><a href="/schedules/([0-9a-f-]{36})"'


def make_jobs(account, count):
    now = clock.now()
    made = {
        "account_id": account.id,
        "state": "completed",
        "scheduled_at": now,
        "args": '{"url": "https://example.com/"}',
    }
    Job.insert_many([{**made, "inserted_at": now + number} for number in range(count)]).execute()
    return [str(job.id) for job in Job.select().order_by(Job.inserted_at)]


def make_entries(account, count):
    rows = [records.log_row(account.id, 1, None, "worker.http.request", {}, clock.now() + n) for n in range(count)]
    records.add_log_entries(rows)
    return [row.uuid for row in rows]


def make_schedules(account, count):
    fixed = {"args": '{"url": "https://example.com/"}', "template": "{}", "frequency": '{"cron": "@daily"}'}
    numbers = {"offset_us": 0, "catch_up_us": 0, "failures": 0, "enabled_at": 0}
    policies = {"overlap": "skip", "misfire": "once", "state": "{}"}
    made = {**fixed, **numbers, **policies, "account_id": account.id}
    rows = [{**made, "id": new_id(), "inserted_at": clock.now() + number} for number in range(count)]
    Schedule.insert_many(rows).execute()
    return [row["id"] for row in rows]


LISTS = {
    "/jobs": (make_jobs, jobs.SHOWN, JOB_ROW),
    "/jobs?state=completed": (make_jobs, jobs.SHOWN, JOB_ROW),
    "/logs": (make_entries, logs.SHOWN, LOG_ROW),
    "/logs?event=worker.http.request": (make_entries, logs.SHOWN, LOG_ROW),
    "/schedules": (make_schedules, schedules.SHOWN, SCHEDULE_ROW),
}


def link(page, rel):
    """Where the link of this kind leads; None when there is none."""
    links = [
        attributes["href"] for tag, attributes in Markup(page.text).tags if tag == "a" and attributes.get("rel") == rel
    ]
    return links[0] if links else None


def pages_from(browser, path):
    while path:
        page = browser.get(path)
        assert page.status_code == 200, path
        yield page
        path = link(page, "next")


@pytest.mark.parametrize("path", LISTS)
@pytest.mark.parametrize("beyond", [0, 1])
def test_three_pages_of_a_list_show_each_row_once_the_newest_first(alice, path, beyond):
    make, shown, row = LISTS[path]
    made = make(alice.account, 2 * shown + beyond)

    pages = [re.findall(row, page.text) for page in pages_from(alice, path)]

    assert [len(page) for page in pages] == [shown, shown, 1][: 2 + beyond]
    assert sum(pages, []) == made[::-1]


FILTERED = {
    "/jobs?state=discarded": (make_jobs, jobs.SHOWN, JOB_ROW, Job, {"state": "discarded"}),
    "/logs?event=worker.http.error": (make_entries, logs.SHOWN, LOG_ROW, LogEntry, {"event": "worker.http.error"}),
}


@pytest.mark.parametrize("path", FILTERED)
def test_further_pages_and_the_link_back_keep_the_filter(alice, path):
    make, shown, row, table, values = FILTERED[path]
    made = make(alice.account, 2 * (shown + 1))
    chosen = made[::2]
    table.update(values).where(table._meta.primary_key.in_(chosen)).execute()

    first, second = pages_from(alice, path)

    assert re.findall(row, first.text) + re.findall(row, second.text) == chosen[::-1]
    assert path in [attributes.get("href") for _, attributes in Markup(second.text).tags]


PARAMETERS = {  # of each list, all that its links have to keep
    "/jobs": {"state": "completed", "kind": "request", "after": "2020-01-01T00:00:00", "before": "2099-01-01T00:00:00"},
    "/logs": {"event": "worker.http.request", "job": "1", "after": "2020-01-01T00:00:00"},
}


@pytest.mark.parametrize("path", PARAMETERS)
def test_further_pages_and_the_link_back_keep_each_parameter(alice, path):
    make, shown, _ = LISTS[path]
    make(alice.account, shown + 1)
    wanted = PARAMETERS[path]

    first, second = pages_from(alice, f"{path}?{urlencode(wanted)}")

    hrefs = [attributes.get("href") or "" for _, attributes in Markup(second.text).tags]
    back = [
        href for href in hrefs if href.startswith(f"{path}?") and set(wanted) <= set(parse_qs(urlsplit(href).query))
    ]
    assert set(wanted) <= set(parse_qs(urlsplit(link(first, "next")).query))
    assert [href for href in back if "cursor" not in href]


def test_the_pages_of_schedules_lead_back_as_they_led_on(alice):
    make_schedules(alice.account, 2 * schedules.SHOWN + 1)
    first, second, third = pages_from(alice, "/schedules")

    assert link(first, "prev") is None
    assert re.findall(SCHEDULE_ROW, alice.get(link(third, "prev")).text) == re.findall(SCHEDULE_ROW, second.text)
    assert re.findall(SCHEDULE_ROW, alice.get(link(second, "prev")).text) == re.findall(SCHEDULE_ROW, first.text)


def test_every_link_of_every_page_leads_somewhere(alice):
    for make, shown, _ in LISTS.values():
        make(alice.account, shown + 1)
    for state in ("discarded", "scheduled"):
        make_job(alice.account, state, 60, args='{"url": "https://example.com/", "labels": ["a b", "ü&?#"]}')

    met = {page.path: page.answer.status_code for page in walk(alice, "/", "/keys?note=saved")}

    assert {path: status for path, status in met.items() if status != 200} == {}
    assert {"/jobs/bulk", "/jobs", "/logs", "/schedules"} <= {path.partition("?")[0] for path in met}
