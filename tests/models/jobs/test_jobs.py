"""Many jobs made at once: in order, each with its own values, and None where a live key keeps a job out."""

import pytest

from models.jobs import job_store
from models.jobs.job_store import NewJob
from models.rules import clock


@pytest.fixture
def now(moved_clock):
    return moved_clock()


def new_job_with(account, **fields):
    defaults = {"args": '{"url":"https://example.com"}', "body": b"{}", "content_type": "application/json"}
    return NewJob(account_id=account.id, scheduled_at=0, **(defaults | fields))


def test_many_jobs_are_made_in_the_order_given(account, now):
    new = [
        new_job_with(account, body=None, content_type=None, name="first"),
        new_job_with(account, name='"second"', kind="callback"),
        new_job_with(account, body=b"\x00\xff", name="third"),
    ]

    made = job_store.create_many(new, now)

    assert [row.name for row in made] == ["first", '"second"', "third"]
    assert [job_store.find(account.id, row.id) for row in made] == made
    assert [(row.body, row.kind) for row in made] == [(None, "request"), (b"{}", "callback"), (b"\x00\xff", "request")]


def test_a_job_whose_key_is_live_alone_is_not_made(account, now):
    """A job whose key is live is not made and leaves the others alone."""
    held, _ = job_store.create(new_job_with(account, idempotency_key="k"), now)
    new = [new_job_with(account, **fields) for fields in ({"name": "a"}, {"idempotency_key": "k"}, {})]
    made = job_store.create_many(new, now)
    assert [row and row.name for row in made] == ["a", None, None]
    assert made[1] is None
    assert made[2] is not None
    assert job_store.find(account.id, held.id) == held


def test_none_at_all_are_made_of_nothing(account, now):
    assert job_store.create_many([], now) == []


def test_one_job_and_many_are_written_alike(account, now):
    later = now + clock.HOUR
    single, _ = job_store.create(new_job_with(account)._replace(scheduled_at=later), now)
    (many,) = job_store.create_many([new_job_with(account)._replace(scheduled_at=later)], now)
    assert single._replace(id=0, uuid="") == many._replace(id=0, uuid="")
