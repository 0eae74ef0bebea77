"""Attempts of two accounts that end in one group: each account gets what is its own, and nothing of the other's."""

import pytest

from models.accounts import account_store
from models.jobs import lifecycle
from models.jobs.job_kinds import EVENT
from models.jobs.job_tables import Attempt, Job, LogEntry
from models.operations import heartbeats
from models.rules import clock
from models.webhooks import endpoints
from tests.support import acks, listeners
from tests.support.follow_ups import follow_ups
from tests.support.results import answered, result_of
from tests.support.rows import claim_of, make_job
from workers.delivery.heartbeat import Heartbeat
from workers.delivery.host_health import HostHealth
from workers.delivery.recorder import record, recorded_of
from workers.delivery.slots.slots import Slots
from workers.ticker.acknowledger import end_acknowledged
from workers.ticker.rescuer import rescue_lost

HOST = "shop.example"


@pytest.fixture
def accounts(account, moved_clock):
    """Two accounts, of which the second alone has an endpoint."""
    other = account_store.account_named("bob", clock.now())
    endpoints.create(other.id, "https://events.example/", None, True, clock.now())
    return account, other


def claims(accounts, **columns):
    """A claim for each: the first account's job has one attempt, the second's two."""
    return [claim_of(make_job(each, host=HOST, max_attempts=1 + (each is accounts[1]), **columns)) for each in accounts]


def answered_with_500(accounts):
    return record([result_of(claim, answered(500)) for claim in claims(accounts)])


def acknowledged(accounts):
    waiting = [acks.answer_later(claim) for claim in claims(accounts, ack_within_us=600 * clock.SECOND)]
    for claim in waiting:
        acks.acknowledge(claim, succeeded=False)
    assert end_acknowledged(clock.now()) == 2


def lost(accounts):
    ids = [make_job(each, host=HOST, max_attempts=1 + (each is accounts[1])).id for each in accounts]
    lifecycle.claim(ids, clock.now(), -clock.HOUR)
    assert rescue_lost(clock.now()) == 2


def answered_by_listeners(accounts):
    for claim in claims(accounts, url=listeners.URL, timeout_ms=30_000):
        listeners.hand(claim)
    for each in accounts:
        [taken] = listeners.take(each)
        listeners.reply(each, taken, status=500)
    assert listeners.end_over() == 2


def figures(account):
    [minute] = heartbeats.minutes(account.id, clock.now(), 1)
    return minute.completed, minute.failed


@pytest.mark.parametrize("end", [answered_with_500, acknowledged, lost, answered_by_listeners])
def test_each_account_gets_what_is_its_own(accounts, end):
    end(accounts)

    first, second = Job.select().where(Job.kind != EVENT).order_by(Job.id)
    assert [(job.account_id, job.state) for job in (first, second)] == [
        (accounts[0].id, "discarded"),
        (accounts[1].id, "available" if end is lost else "retryable"),
    ]
    assert {(each.job_id, each.account_id) for each in LogEntry.select()} == {
        (job.id, job.account_id) for job in (first, second)
    }
    discards = LogEntry.select().where(LogEntry.event == "worker.job.discarded")
    assert [entry.job_id for entry in discards] == [first.id]
    assert {(event.account_id, event.parent_id) for event in follow_ups(EVENT)} == {(accounts[1].id, second.id)}
    assert [(each.job_id, each.next_at is None) for each in Attempt.select().order_by(Attempt.job_id)] == [
        (first.id, True),
        (second.id, False),
    ]


def test_attempts_of_listeners_count_for_their_own_accounts(accounts):
    answered_by_listeners(accounts)
    assert [figures(each) for each in accounts] == [(0, 1), (0, 1)]


def test_a_process_counts_attempts_for_their_own_accounts(accounts):
    heartbeat = Heartbeat(Slots(1, share=1))
    heartbeat.count([recorded_of(each) for each in answered_with_500(accounts)])
    heartbeat.write(clock.now())
    assert [figures(each) for each in accounts] == [(0, 1), (0, 1)]


def test_a_host_that_fails_for_one_account_is_left_alone_for_that_one(accounts):
    """The host may refuse the key of the one."""
    first, second = claims(accounts)
    HostHealth(most=1).note([result_of(first, answered(500)), result_of(second, answered(200))])

    claimable = [make_job(each, host=HOST).id for each in accounts]
    assert [job.account_id for job in lifecycle.claim(claimable, clock.now(), clock.SECOND)] == [accounts[1].id]
