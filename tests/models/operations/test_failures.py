"""The groups of an account's failures: which jobs are in them, and in which order."""

import pytest

from models.jobs import replays
from models.jobs.records import AttemptRow, add_attempts
from models.operations import failures
from models.rules import clock
from tests.support.rows import make_job


def failed(account, host="a.example", reason="status_500", state="discarded", **columns):
    """A job whose latest attempt failed."""
    job = make_job(account, state, host=host, attempt=1, attempted_at=clock.now(), **columns)
    if reason:
        now = clock.now()
        add_attempts([AttemptRow(job.id, 1, now, now, 0, "answered", 500, reason, *[None] * 6)])
    return job.id


def shown(account):
    return [(group.state, group.host, group.reason, group.ids) for group in failures.grouped(account.id)]


@pytest.mark.parametrize("kind", ["callback", "event", "channel"])
def test_what_tells_of_jobs_is_no_failure_of_theirs(account, moved_clock, kind):
    """Nothing of it could be run again."""
    failed(account, kind=kind), failed(account, kind=kind, state="retryable")
    job = failed(account)
    assert shown(account) == [("discarded", "a.example", "status_500", [job])]
    assert failures.of_group(account.id, "discarded", "a.example", "status_500") == [job]


def test_jobs_are_grouped_by_state_host_and_reason_the_largest_group_first(account, moved_clock):
    first, second = failed(account), failed(account)
    retried = failed(account, state="retryable")
    elsewhere, slow, untold = (
        failed(account, "b.example"),
        failed(account, reason="timeout"),
        failed(account, reason=None),
    )
    for state in ("completed", "cancelled", "available", "scheduled", "executing"):
        failed(account, state=state)
    assert shown(account) == [
        ("discarded", "a.example", "status_500", [second, first]),
        ("discarded", "a.example", "timeout", [slow]),
        ("discarded", "a.example", "unknown", [untold]),
        ("discarded", "b.example", "status_500", [elsewhere]),
        ("retryable", "a.example", "status_500", [retried]),
    ]


def test_the_failures_of_another_account_are_not_among_them(account, moved_clock):
    second = type(account).create(name="bob", created_at=clock.now())
    failed(second), failed(second, state="retryable")
    assert shown(account) == []
    assert failures.of_group(account.id, "discarded", "a.example", "status_500") == []


def test_a_group_says_when_its_latest_failed_and_whether_there_are_more(account, moved_clock, monkeypatch):
    monkeypatch.setattr(failures, "EXAMPLES", 2)
    for _ in range(2):
        failed(account)
        moved_clock.advance(seconds=1)
    [before] = failures.grouped(account.id)
    failed(account)
    [after] = failures.grouped(account.id)
    assert (before.jobs, before.more, before.latest_at) == (2, False, clock.now() - clock.SECOND)
    assert (after.jobs, after.more, after.latest_at) == (3, True, clock.now())


def test_the_newest_of_a_large_group_can_be_replayed(account, moved_clock, monkeypatch):
    monkeypatch.setattr(failures, "EXAMPLES", 2)
    _, second, third = failed(account), failed(account), failed(account)
    assert failures.of_group(account.id, "discarded", "a.example", "status_500") == [third, second]


def test_of_more_failures_than_are_looked_at_the_newest_are_shown(account, moved_clock, monkeypatch):
    monkeypatch.setattr(failures, "GROUPED", 2)
    made = []
    for host in ("a.example", "b.example", "c.example"):
        made.append(failed(account, host))
        moved_clock.advance(seconds=1)
    assert [group.ids for group in failures.grouped(account.id)] == [[made[1]], [made[2]]]


def test_where_the_look_ended_each_group_may_have_more(account, moved_clock, monkeypatch):
    monkeypatch.setattr(failures, "GROUPED", 2)
    failed(account), failed(account, "b.example"), failed(account, state="retryable")
    assert [(group.state, group.more) for group in failures.grouped(account.id)] == [
        ("discarded", True),
        ("discarded", True),
        ("retryable", False),
    ]


def test_replayed_failures_leave_their_places_to_older_ones(account, moved_clock, monkeypatch):
    monkeypatch.setattr(failures, "GROUPED", 2)
    old = failed(account)
    for _ in range(2):
        moved_clock.advance(seconds=1)
        replays.replay(account.id, [failed(account, "b.example")], clock.now())

    assert [(group.host, group.ids, group.more) for group in failures.grouped(account.id)] == [
        ("a.example", [old], False)
    ]
    monkeypatch.setattr(failures, "LOOKED_AT", 2)
    assert failures.grouped(account.id) == []  # both that are looked at were replayed
