"""GET /api/jobs by when jobs are due: overdue ones, and those of a time to come."""

import pytest

from models.database import paging
from models.jobs import job_lists, labels
from models.rules import clock
from tests.support.api_client import errors_of, one_database
from tests.support.listings import ids_of, pages_of
from tests.support.rows import make_job


@pytest.fixture
def waiting(account, moved_clock):
    """Jobs due after so many seconds, by state; made in another order."""
    return {
        (state, due_in_s): make_job(account, state, due_in_s, host="a.example").uuid
        for due_in_s in (30, -20, 50, -10, 40)
        for state in ("retryable", "scheduled")
    }


def test_overdue_jobs_come_in_the_order_in_which_they_were_due(client, account, waiting):
    now = make_job(account, "available", -15).uuid
    make_job(account, "executing", -30), make_job(account, "completed", -30)
    expected = [waiting["retryable", -20], waiting["scheduled", -20], now]
    expected += [waiting["retryable", -10], waiting["scheduled", -10]]
    assert ids_of(client.get("/api/jobs?due=overdue")) == expected
    assert sum(pages_of(client, "/api/jobs?due=overdue&limit=2"), []) == expected


@pytest.mark.parametrize("looked_at", [2, 5000])
@pytest.mark.parametrize("limit", [1, 2, 50])
def test_a_search_gives_overdue_jobs_in_the_same_order(client, account, waiting, monkeypatch, limit, looked_at):
    monkeypatch.setattr(job_lists, "LOOKED_AT", looked_at)
    for state in ("available", "scheduled"):
        make_job(account, state, -15, host="b.example")
    now = make_job(account, "available", -12, host="a.example").uuid
    expected = [waiting["retryable", -20], waiting["scheduled", -20], now]
    expected += [waiting["retryable", -10], waiting["scheduled", -10]]
    address = f"/api/jobs?due=overdue&host=a.example&limit={limit}"
    assert sum(pages_of(client, address), []) == expected
    assert sum(pages_of(client, f"{address}&order_by=scheduled_at,desc"), []) == expected[::-1]


def test_overdue_jobs_of_a_search_come_in_the_order_in_which_they_were_made_by_wish(client, waiting, moved_clock):
    moved_clock.advance(seconds=2)  # what was made within a second is not listed in this order yet
    expected = [waiting[state, due_in_s] for due_in_s in (-20, -10) for state in ("retryable", "scheduled")]
    assert ids_of(client.get("/api/jobs?due=overdue&host=a.example&order_by=inserted_at,asc")) == expected


@pytest.mark.parametrize("more", ["", "&host=a.example", "&text=127"])
@pytest.mark.parametrize("limit", [1, 2, 50])
@pytest.mark.parametrize("looked_at", [3, 5000])
def test_what_is_due_in_a_time_is_listed_in_its_order(client, waiting, monkeypatch, more, limit, looked_at):
    monkeypatch.setattr(job_lists, "LOOKED_AT", looked_at)
    bounds = f"scheduled_after={(clock.now() + 30_000_000) // 1_000_000}&scheduled_before=2026-01-01T09:00:50Z"
    address = f"/api/jobs?state=scheduled&order_by=scheduled_at,asc&{bounds}&limit={limit}{more}"
    assert sum(pages_of(client, address), []) == [waiting["scheduled", 30], waiting["scheduled", 40]]


@pytest.mark.parametrize("state", ["scheduled", "retryable"])
def test_a_long_list_of_waiting_jobs_is_given_in_the_order_of_time(client, waiting, monkeypatch, state):
    monkeypatch.setattr(paging, "SORTED_AT_MOST", 2)
    expected = [waiting[state, due_in_s] for due_in_s in (50, 40, 30, -10, -20)]
    assert ids_of(client.get(f"/api/jobs?state={state}&order_by=scheduled_at,desc")) == expected


@pytest.fixture
def failed(account, moved_clock):
    """The UUIDs of failed jobs: made an hour ago, attempted 0, 1 and 2 seconds from now; and one without an attempt."""
    now = clock.now()
    for state in ("completed", "executing"):
        make_job(account, state, attempt=1, attempted_at=now, inserted_at=now - clock.HOUR)
    times = [("discarded", 0), ("retryable", 1), ("discarded", 2)]
    jobs = [
        make_job(account, state, attempt=1, attempted_at=now + after_s * clock.SECOND, inserted_at=now - clock.HOUR)
        for state, after_s in times
    ]
    jobs.append(make_job(account, "discarded", attempt=0, attempted_at=None, inserted_at=now))
    for job in jobs:
        labels.add([(account.id, "shop", job.inserted_at, job.id)])
    return [job.uuid for job in jobs]


@pytest.mark.parametrize("path", ["/api/jobs", "/api/failures"])
@pytest.mark.parametrize("more", ["", "&label=shop", "&state=discarded"])
def test_failed_jobs_are_found_by_when_their_latest_attempt_began(client, failed, path, more):
    first, second, third, unattempted = failed
    expected = {
        "failed_after=2026-01-01T09:00:01Z": {second, third},
        "failed_before=2026-01-01T09:00:01Z": {first, unattempted},
        "failed_after=2026-01-01T09:00:00Z&failed_before=2026-01-01T09:00:02Z": {first, second, unattempted},
        "failed_before=2026-01-01T09:00:00Z": set(),
    }
    for query, uuids in expected.items():
        wanted = uuids - {second} if "discarded" in more else uuids
        assert set(ids_of(client.get(f"{path}?{query}{more}"))) == wanted


@pytest.mark.parametrize("second", ["1", "1.000001", "1.0000009999", "0.9999999"])
def test_a_unix_time_may_have_as_many_decimals_as_a_program_prints(client, moved_clock, second):
    whole, _, decimals = second.partition(".")
    instant = clock.now() // clock.SECOND + int(whole)

    answer = client.get(f"/api/jobs?after={instant}{'.' if decimals else ''}{decimals}")

    assert answer.status_code == 200


def test_what_failed_in_a_time_is_run_again_alone(client, account, failed):
    members = {"failed_after": "2026-01-01T09:00:01Z", "state": "discarded"}
    answer = client.post("/api/jobs/retry", json={"filter": members, "dry_run": True})
    assert answer.json == {"data": {"matches": 1, "more": False}}


@one_database
@pytest.mark.parametrize(
    "query",
    ["order_by=scheduled_at,asc&scheduled_after=1", "state=completed&order_by=scheduled_at,asc&host=a", "due=never"],
)
def test_what_no_index_gives_in_the_order_of_time_is_refused(client, query):
    assert set(errors_of(client.get(f"/api/jobs?{query}"))) <= {"order_by", "due"}
