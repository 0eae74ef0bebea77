"""Lists in pages by cursor: every row once, in order, whatever is inserted in between."""

import base64
import itertools
import json

import pytest

from api.requests import paging as request_paging
from models.database import paging
from models.database.sql import execute
from models.jobs import job_lists, log_entries, records
from models.jobs.job_tables import Job
from models.rules import clock
from models.schedules import firing_rows, schedule_store
from models.schedules.firing_rows import FiringRow
from tests.support.api_client import errors_of, one_database
from tests.support.listings import ids_of, next_of, pages_of

WAYS = ("asc", "desc")
STAMPS = ("attempted_at", "completed_at", "cancelled_at", "discarded_at")


def cursor(*parts):
    return base64.urlsafe_b64encode(json.dumps(parts).encode()).decode().rstrip("=")


@pytest.fixture
def many(client, moved_clock):
    """Fourteen jobs with ties, nulls and odd names in every column a list may be ordered by."""
    names = itertools.cycle([None, "b", "a", "é", "B", "", "a", "%_'\U0001f600"])
    for number, name in zip(range(14), names, strict=False):
        moved_clock.advance(seconds=number % 3)
        job = client.created(name=name, schedule_in=number % 4)["job_id"]
        for place, stamp in enumerate(STAMPS):
            if (number + place) % 3:
                execute(f"UPDATE job SET {stamp} = %s WHERE id = %s", (number * 7 % 5, job))
    moved_clock.advance(seconds=2)


def test_a_cursor_may_be_as_long_as_one_can_be(monkeypatch):
    text, order = cursor("scheduled_at", "asc", 1, 2), ("scheduled_at", "asc")
    monkeypatch.setattr(request_paging, "MAX_CURSOR_CHARS", len(text))
    assert request_paging.place_of(text, job_lists.LISTING, order) == paging.Place(1, 2)
    monkeypatch.setattr(request_paging, "MAX_CURSOR_CHARS", len(text) - 1)
    with pytest.raises(ValueError):
        request_paging.place_of(text, job_lists.LISTING, order)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("field", job_lists.LISTING.orders)
def test_the_pages_of_every_order_make_the_whole_list(client, many, field, way):
    whole = ids_of(client.get(f"/api/jobs?limit=100&order_by={field},{way}"))
    assert len(whole) == 14
    for limit in (1, 3, 7, 14):
        pages = list(pages_of(client, f"/api/jobs?limit={limit}&order_by={field},{way}"))
        assert sum(pages, []) == whole
        assert [len(page) for page in pages[:-1]] == [limit] * (len(pages) - 1)
        assert len(pages) == -(-14 // limit)


@pytest.mark.parametrize("way", WAYS)
def test_what_is_added_between_pages_hides_and_repeats_nothing(client, moved_clock, way):
    def add():
        added.append(client.created()["id"])
        moved_clock.advance(seconds=2)

    added = []
    for _ in range(7):
        add()
    first, stop = list(added), itertools.count()
    pages = sum(pages_of(client, f"/api/jobs?limit=2&order_by=inserted_at,{way}", lambda: next(stop) < 5 and add()), [])
    assert len(pages) == len(set(pages))
    assert pages == (first[::-1] if way == "desc" else added)


def test_added_rows_move_pages_by_offset_but_not_by_cursor(client):
    """A page by offset moves with what is added and one by cursor does not."""
    made = [client.created()["id"] for _ in range(4)]
    first = client.get("/api/jobs?limit=2")
    client.created()
    assert ids_of(client.get("/api/jobs?limit=2&offset=2")) == made[2:0:-1]
    assert ids_of(client.get(next_of(first))) == made[1::-1]


@pytest.mark.parametrize("offset", [0, 1, 5, 12, 13])
@pytest.mark.parametrize("path", ["/api/jobs", "/api/logs"])
def test_the_link_of_a_page_by_offset_goes_on_behind_that_page(client, account, path, offset):
    jobs = [client.created()["job_id"] for _ in range(13)]
    records.add_log_entries([records.log_row(account.id, job, None, "worker.http.request", {}, job) for job in jobs])
    whole = ids_of(client.get(f"{path}?limit=100"))

    pages = list(pages_of(client, f"{path}?limit=3&offset={offset}"))

    assert sum(pages, []) == whole[offset:]
    assert len(pages) == max(1, -(-(13 - offset) // 3))


def test_a_link_keeps_what_was_asked_for(client, moved_clock):
    made = [client.created(name="é &")["id"] for _ in range(3)]
    client.created(name="other")
    moved_clock.advance(seconds=2)
    address = "/api/jobs?text=%C3%A9+%26&limit=1&order_by[]=inserted_at&order_by[]=asc&state=available"
    assert list(pages_of(client, address)) == [[made[0]], [made[1]], [made[2]]]


def test_a_state_s_jobs_are_paged_by_themselves(client, many):
    whole = ids_of(client.get("/api/jobs?limit=100&state=scheduled"))
    assert 2 < len(whole) < 14
    assert sum(pages_of(client, "/api/jobs?limit=2&state=scheduled"), []) == whole


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("field", log_entries.LISTING.orders)
def test_the_pages_of_the_log_make_the_whole_log(client, account, moved_clock, field, way):
    events = ["worker.http.request", "worker.http.response", "worker.http.error"]
    entries = [records.log_row(account.id, n % 4, None, events[n % 3], {}, clock.now() + n // 5) for n in range(13)]
    records.add_log_entries(entries)
    moved_clock.advance(seconds=2)
    whole = ids_of(client.get(f"/api/logs?limit=100&order_by={field},{way}"))
    assert len(whole) == 13
    assert sum(pages_of(client, f"/api/logs?limit=4&order_by={field},{way}"), []) == whole
    selected = ids_of(client.get(f"/api/logs?limit=100&job_id=1&order_by={field},{way}"))
    assert sum(pages_of(client, f"/api/logs?limit=1&job_id=1&order_by={field},{way}"), []) == selected


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("field", ["inserted_at", "name", "completed_at"])
def test_a_page_of_large_jobs_ends_early_and_goes_on(client, moved_clock, monkeypatch, field, way):
    """A page of a hundred held 39 MB."""
    monkeypatch.setattr(paging, "MAX_PAGE_BYTES", 5000)
    for size in (10, 2000, 2000, 2000, 9000, 10, 10):
        client.created(body="x" * size, method="post", name=f"n{size}")
    moved_clock.advance(seconds=2)

    pages = list(pages_of(client, f"/api/jobs?limit=100&order_by={field},{way}"))

    assert len(pages) > 1
    assert all(pages)
    assert len(set(sum(pages, []))) == len(sum(pages, [])) == 7


def test_n5_a_page_of_large_log_entries_ends_early_and_goes_on(client, account, monkeypatch):
    monkeypatch.setattr(paging, "MAX_PAGE_BYTES", 5000)
    payloads = [{"body": "\x01" * 600}] * 5
    rows = [records.log_row(account.id, 1, None, "worker.http.response", payload, clock.now()) for payload in payloads]
    records.add_log_entries(rows)

    pages = list(pages_of(client, "/api/logs?limit=100"))

    assert [len(page) for page in pages] == [2, 2, 1]
    assert sorted(sum(pages, [])) == sorted(row.uuid for row in rows)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    ("path", "orders"),
    [("/api/schedules", schedule_store.ORDERS), ("/api/schedules/{schedule_id}/runs", firing_rows.ORDERS)],
)
def test_the_pages_by_offset_of_every_order_make_the_whole_list(client, moved_clock, path, orders, way):
    """Of lists that have no cursor."""
    for number in range(7):
        moved_clock.advance(seconds=number % 2)
        job = client.created(cron="@daily", name=[None, "b", "a"][number % 3])
        if number % 3:
            client.post(f"/api/schedules/{job['schedule_id']}/disable")
    statuses = [firing_rows.FIRED, firing_rows.MISSED, firing_rows.LATE]
    ran = [FiringRow(job["schedule_id"], n, statuses[n % 3], None, None, clock.now() + n // 2) for n in range(7)]
    firing_rows.add(ran)

    for field in orders:
        address = f"{path.format(**job)}?order_by={field},{way}"
        whole = client.get(f"{address}&limit=100").json["data"]
        parts = [client.get(f"{address}&limit=3&offset={offset}").json["data"] for offset in (0, 3, 6, 9)]

        assert sum(parts, []) == whole
        assert [len(part) for part in parts] == [3, 3, len(whole) - 6, 0]
        assert len({str(row) for row in whole}) == len(whole) >= 7


def test_the_pages_by_offset_of_what_tells_of_a_job_make_the_whole_list(client, account):
    job = client.created()
    ids = {"account_id": account.id, "state": "available", "parent_id": job["job_id"], "args": '{"url": "x"}'}
    Job.insert_many([{**ids, "kind": "event", "scheduled_at": 0, "inserted_at": 0}] * 7).execute()
    path = f"/api/jobs/{job['id']}/related"

    parts = [ids_of(client.get(f"{path}?limit=3&offset={offset}")) for offset in (0, 3, 6, 9)]

    assert sum(parts, []) == ids_of(client.get(path))
    assert [len(part) for part in parts] == [3, 3, 1, 0]


GOOD = cursor("inserted_at", "desc", 5, 5)
WRONG = [
    "",
    "x",
    "é",
    "====",
    GOOD[:-2],
    GOOD + "A",
    "A" * 5000,
    cursor("inserted_at", "asc", 5, 5),
    cursor("job_id", "desc", 5, 5),
    cursor("inserted_at", "desc", "5", 5),
    cursor("inserted_at", "desc", None, 5),
    cursor("inserted_at", "desc", True, 5),
    cursor("inserted_at", "desc", 1.5, 5),
    cursor("inserted_at", "desc", 2**63, 5),
    cursor("inserted_at", "desc", 5, -(2**63)),
    cursor("inserted_at", "desc", 5, None),
    cursor("inserted_at", "desc", 5, "5"),
    cursor("inserted_at", "desc", [5], 5),
    cursor("inserted_at", "desc", 5),
    cursor("inserted_at", "desc", 5, 5, 5),
    cursor(["inserted_at"], "desc", 5, 5),
    cursor(*"[" * 4)[:40],
    base64.urlsafe_b64encode(b"[" * 3000).decode(),
    base64.urlsafe_b64encode(b'{"a": 1}').decode(),
    base64.urlsafe_b64encode(b"\xff\xff").decode(),
]


@one_database
@pytest.mark.parametrize("text", WRONG)
def test_a_wrong_cursor_is_refused(client, text):
    errors = errors_of(client.get("/api/jobs", query_string={"cursor": text}))
    assert errors["cursor"][0].startswith("must be a cursor that an answer gave for this list in this order, got ")


@pytest.mark.parametrize("name", ["a\x00b", "\ud800"])
def test_a_cursor_with_text_that_no_database_takes_is_refused(client, name):
    text = cursor("name", "asc", name, 5)
    assert "cursor" in errors_of(client.get("/api/jobs", query_string={"cursor": text, "order_by": "name,asc"}))


@one_database
@pytest.mark.parametrize("tie", [5, "x", None, "41D7F28B-DFBE-44B8-B716-B91898BB0CE0"])
def test_a_log_s_cursor_must_name_an_entry(client, tie):
    text = cursor("inserted_at", "desc", 5, tie)
    assert "cursor" in errors_of(client.get("/api/logs", query_string={"cursor": text}))


@one_database
def test_a_right_cursor_is_taken_and_excludes_an_offset(client):
    assert ids_of(client.get(f"/api/jobs?cursor={GOOD}")) == []
    assert "offset" in errors_of(client.get(f"/api/jobs?cursor={GOOD}&offset=1"))
    assert "cursor" in errors_of(client.get(f"/api/jobs?cursor={GOOD}&cursor={GOOD}"))
