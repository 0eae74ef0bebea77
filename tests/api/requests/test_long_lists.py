"""A long list is given in the orders that an index gives, and refused in others; a short one in every order."""

import pytest

from models.database import paging
from models.jobs import job_lists
from tests.support.api_client import errors_of
from tests.support.results import result_of
from tests.support.rows import claim_of, make_job
from workers.delivery.recorder import record
from workers.transport.outcome import Answered, Timings

SORTED = sorted(set(job_lists.LISTING.orders) - job_lists.LISTING.indexed)


@pytest.fixture
def three_jobs(account, monkeypatch):
    """More than are sorted."""
    monkeypatch.setattr(paging, "SORTED_AT_MOST", 2)
    return [make_job(account) for _ in range(3)]


@pytest.mark.parametrize("way", ["asc", "desc"])
@pytest.mark.parametrize("field", SORTED)
def test_o15_a_long_list_is_refused_in_an_order_without_an_index(client, three_jobs, field, way):
    errors = errors_of(client.get(f"/api/jobs?order_by={field},{way}"))
    wanted = f"must be inserted_at or job_id where more than 2 entries match (filters narrow a list), got {field}"
    assert errors == {"order_by": [wanted]}


@pytest.mark.parametrize("way", ["asc", "desc"])
@pytest.mark.parametrize("field", sorted(job_lists.LISTING.indexed))
def test_o15_a_long_list_is_given_in_an_order_that_an_index_gives(client, three_jobs, field, way):
    assert client.get(f"/api/jobs?order_by={field},{way}").status_code == 200


@pytest.mark.parametrize("field", SORTED)
def test_a_filter_that_narrows_the_list_allows_every_order(client, account, three_jobs, field):
    make_job(account, "completed")
    answer = client.get(f"/api/jobs?state=completed&order_by={field},asc")
    assert len(answer.json["data"]) == 1


def test_a_list_of_just_so_many_is_sorted(client, account, monkeypatch):
    monkeypatch.setattr(paging, "SORTED_AT_MOST", 3)
    for _ in range(3):
        make_job(account)
    assert len(client.get("/api/jobs?order_by=name,asc").json["data"]) == 3


def test_a_long_log_is_given_by_instant_alone(client, account, monkeypatch):
    monkeypatch.setattr(paging, "SORTED_AT_MOST", 0)
    record([result_of(claim_of(make_job(account)), Answered(200, [], b"", False, Timings()))])
    assert client.get("/api/logs?order_by=inserted_at,asc").status_code == 200
    errors = errors_of(client.get("/api/logs?order_by=event,asc"))
    assert errors["order_by"][0].startswith("must be inserted_at where more than")


def test_no_offset_reads_more_than_a_hundred_thousand_rows(client):
    assert client.get("/api/jobs?offset=100000").status_code == 200
    assert "offset" in errors_of(client.get("/api/jobs?offset=100001"))
