"""Every list of the API that takes a limit, page after page: each row once, in one order, of the caller alone."""

import json

import pytest

from api.requests.paging import CURSOR_HEADER
from models.database import settling
from models.jobs import records
from models.jobs.job_tables import Job
from models.rules import clock
from models.schedules import firing_rows
from models.schedules.firing_rows import FiringRow
from tests.support.alerts import make_alert, open_incident
from tests.support.api_client import URL, document_of, one_database
from tests.support.listings import next_of
from tests.support.rows import make_failed_job

ROWS = 5
BY_CURSOR = ("/jobs", "/failures", "/logs", "/operations", "/incidents", "/flows", "/lanes", "/hosts")
BY_OFFSET = ("/jobs", "/logs", "/schedules", "/schedules/{key}/runs", "/jobs/{key}/related")
WITH_LIMIT = ("/schedules/{key}/backfills",)
PAST = {"from": "2025-12-30T12:00:00Z", "to": "2026-01-01T08:00:00Z"}

pytestmark = one_database


def fill(client, account, moved_clock):
    """Rows for each list of the account; the address of each list by its template."""
    schedule = client.post("/api/schedules", json={"url": URL, "cron": "0 */6 * * *"}).json["data"]["id"]
    for number in range(ROWS):
        gates = {"flow": {"key": f"f{number}", "rate": 1, "per": "1h"}, "lane": f"l{number}"}
        job = client.created(url=f"https://h{number}.example/", schedule_in=3600, **gates)
        client.post("/api/schedules", json={"url": URL, "cron": "@daily"})
        client.post(f"/api/hosts/h{number}.example/pause")
        client.post("/api/jobs/delete", json={"filter": {"label": f"a{number}"}})
        backfill = client.post(f"/api/schedules/{schedule}/backfill", json=PAST).json["data"]["id"]
        client.post(f"/api/backfills/{backfill}/cancel")
        open_incident(make_alert(account, name=f"rule {number}").uuid)
        moved_clock.advance(seconds=1)
    now = clock.now()
    firing_rows.add([FiringRow(schedule, n, firing_rows.MISSED, None, None, now) for n in range(ROWS)])
    follow_up = {"account_id": account.id, "state": "available", "kind": "event", "parent_id": job["job_id"]}
    Job.insert_many([{**follow_up, "scheduled_at": n, "inserted_at": n, "args": "{}"} for n in range(ROWS)]).execute()
    records.add_log_entries([records.log_row(account.id, n, None, "worker.http.error", {}, now) for n in range(ROWS)])
    for number in range(ROWS):
        make_failed_job(account, f"h{number}.example", "timeout")
    moved_clock.advance(seconds=5)
    keys = {"schedules": schedule, "jobs": job["id"]}
    return lambda path: "/api" + path.replace("{key}", keys.get(path.split("/")[1], ""))


@pytest.fixture
def address(client, account, moved_clock):
    return fill(client, account, moved_clock)


@pytest.fixture
def crowded(stranger, client, moved_clock, account):
    """The same, beside another account that has as much."""
    other = type(account).get(type(account).name == "bob")
    fill(stranger, other, moved_clock)
    return fill(client, account, moved_clock)


def rows_of(answer):
    assert answer.status_code == 200, answer.text
    return [json.dumps(row, sort_keys=True) for row in answer.json["data"]]


def test_each_list_that_takes_a_limit_is_looked_at_here(client):
    names = {
        path.removeprefix("/api"): {each["name"] for each in methods["get"].get("parameters", ())}
        for path, methods in document_of(client.app)["paths"].items()
        if "get" in methods
    }

    assert {path for path, own in names.items() if "cursor" in own} == set(BY_CURSOR)
    assert {path for path, own in names.items() if "offset" in own} >= set(BY_OFFSET)
    assert {path for path, own in names.items() if "limit" in own} == {*BY_CURSOR, *BY_OFFSET, *WITH_LIMIT}


def wholes_of(client, address, paths):
    """All rows of each list."""
    wholes = {path: rows_of(client.get(f"{address(path)}?limit=100")) for path in paths}
    assert {path for path, whole in wholes.items() if len(whole) < ROWS} == set()
    return wholes


def pages_by_cursor(client, following):
    while following:
        answer = client.get(following)
        yield rows_of(answer)
        following = next_of(answer)


@pytest.mark.parametrize("limit", [1, 2, 100])
def test_the_pages_by_cursor_make_the_whole_list(client, address, limit):
    for path, whole in wholes_of(client, address, BY_CURSOR).items():
        pages = list(pages_by_cursor(client, f"{address(path)}?limit={limit}"))

        assert sum(pages, []) == whole, path
        assert {len(page) for page in pages[:-1]} <= {limit}, path
        assert len(pages) == -(-len(whole) // limit), f"{path}: a page without rows"


@pytest.mark.parametrize("limit", [1, 2, 100])
def test_the_pages_by_offset_make_the_whole_list(client, address, limit):
    for path, whole in wholes_of(client, address, BY_OFFSET).items():
        offsets = range(0, len(whole) + limit, limit)
        pages = [rows_of(client.get(f"{address(path)}?limit={limit}&offset={each}")) for each in offsets]

        assert sum(pages, []) == whole, path
        assert pages[-1] == [], path


def test_a_list_with_a_limit_alone_has_its_first_rows(client, address):
    for path, whole in wholes_of(client, address, WITH_LIMIT).items():
        for limit in (1, 2, ROWS):
            assert rows_of(client.get(f"{address(path)}?limit={limit}")) == whole[:limit], path


@pytest.mark.parametrize("path", ["/jobs", "/logs"])
def test_a_list_in_the_order_of_creation_ends_where_rows_may_still_appear(client, address, path, monkeypatch):
    assert rows_of(client.get(f"{address(path)}?order_by=inserted_at,asc"))
    monkeypatch.setattr(settling, "settled_until", lambda: 0)

    assert rows_of(client.get(f"{address(path)}?order_by=inserted_at,asc")) == []
    assert rows_of(client.get(f"{address(path)}?order_by=inserted_at,desc"))


def test_a_list_has_no_row_of_another_account_and_no_page_behind_its_last_row(client, stranger, crowded):
    paths = [path for path in BY_CURSOR if path not in ("/flows", "/lanes", "/hosts")]  # named alike, and without ids
    others = wholes_of(stranger, crowded, [*BY_CURSOR, "/schedules"])
    for path, whole in wholes_of(client, crowded, [*BY_CURSOR, "/schedules"]).items():
        assert len(whole) == len(others[path]), path
        assert path not in paths or not {*whole} & {*others[path]}, path
        assert CURSOR_HEADER not in client.get(f"{crowded(path)}?limit={len(whole)}").headers, path
