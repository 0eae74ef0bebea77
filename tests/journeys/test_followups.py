"""Callbacks and events on production mode: each job is told of, in order, signed, and also when a worker is killed."""

import os
import signal
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.support.journeys import notifications
from tests.support.journeys.client import THREADS, now_us
from tests.support.journeys.journey import FULL, SECOND
from tests.support.journeys.ledger import timestamp
from tests.support.journeys.processes import connected_to, descendants
from tests.support.waiting import wait_until

JOBS = 5_000 if FULL else 200
KILLED_AMONG = JOBS if FULL else 60
STRETCH_SECONDS = 20 if FULL else 4
SETTLE_SECONDS = 600 if FULL else 120
UNDER_WAY = "SELECT count(*) FROM job WHERE state = 'executing'"
SHORTER_LEASES = "UPDATE job SET lease_until = attempted_at + 6000000 WHERE state = 'executing'"  # 30 s for follow-ups
OPEN = "SELECT count(*) FROM job WHERE state NOT IN ('completed', 'discarded', 'cancelled')"


def sign_with_two_keys(journey):
    return [journey.product.booper("signing-keys", "create", "--account", "journeys") for _ in range(2)]


def order_with_notifications(journey, count=JOBS, slow=""):
    """So many jobs with callback and webhook, spread over a while; their integers. `slow`: the end of a path, the
    seconds until the receiver of notifications answers."""
    first_due_at = now_us() + (10 if FULL else 2) * SECOND

    def order(number):
        due_at = first_due_at + number * STRETCH_SECONDS * SECOND // count
        fields = {
            "method": "post",
            "url": journey.receiver.url("/ok"),
            "headers": {"X-Nonce": f"n-{number}"},
            "body": {"number": number},
            "scheduled_at": timestamp(due_at),
            "callback_url": journey.receiver.url(f"{notifications.CALLBACK}{slow}"),
            "webhook_url": journey.receiver.url(f"{notifications.EVENTS}{slow}"),
            "timeout": 5,
        }
        status, answer = journey.client.ask("POST", "/api/jobs", fields)
        assert status == 201, answer
        return answer["data"]["job_id"]

    with ThreadPoolExecutor(THREADS) as pool:
        return list(pool.map(order, range(count)))


def settle(journey):
    wait_until(lambda: journey.product.sql(OPEN) == [(0,)], SETTLE_SECONDS, "every job to be final", pause_seconds=0.5)
    journey.receiver.stop()
    return journey.receiver.notifications()


def figures(journey, arrived, capsys):
    rows = journey.product.sql("SELECT kind, state, count(*), max(attempt) FROM job GROUP BY 1, 2 ORDER BY 1, 2")
    with capsys.disabled():
        print(f"\n{len(arrived)} callbacks and events arrived; kind, state, jobs, most attempts: {rows}")


def test_each_job_is_told_of_in_order_and_signed(production, capsys):
    secrets = sign_with_two_keys(production)
    job_ids = order_with_notifications(production)
    arrived = settle(production)
    assert notifications.check(arrived, job_ids, secrets) == []
    assert len(arrived) == len(job_ids) * (1 + len(notifications.LIFE))  # once each, since nothing died
    figures(production, arrived, capsys)


def frozen_under_way(product, senders):
    """Whether these processes, which stand still from now on, hold many jobs; if not, they go on."""
    for sender in senders:
        os.kill(sender, signal.SIGSTOP)
    if product.sql(UNDER_WAY)[0][0] >= KILLED_AMONG // 10:
        return True
    for sender in senders:
        os.kill(sender, signal.SIGCONT)
    return False


@pytest.mark.parametrize("production", [{"BOOPER_LEASE_MARGIN_SECONDS": "1"}], indirect=True)
def test_each_job_is_told_of_when_the_workers_are_killed_under_way(production, capsys):
    """The receiver answers notifications late, so that much is under way when they are killed."""
    secrets = sign_with_two_keys(production)
    job_ids = order_with_notifications(production, KILLED_AMONG, "/0.5")
    wait_until(
        lambda: production.receiver.arrived() > 2 * KILLED_AMONG, SETTLE_SECONDS, "callbacks and events under way"
    )
    worker = production.product.processes["worker"].pid
    victims = wait_until(
        lambda: connected_to(production.receiver.port, descendants(worker)), 60, "a process that sends"
    )
    wait_until(lambda: frozen_under_way(production.product, victims), SETTLE_SECONDS, "much under way")
    for victim in victims:
        os.kill(victim, signal.SIGKILL)
    production.product.sql(SHORTER_LEASES)
    arrived = settle(production)

    figures(production, arrived, capsys)

    assert notifications.check(arrived, job_ids, secrets) == []
    assert production.product.sql("SELECT count(*) FROM attempt WHERE outcome = 'lost'")[0][0] > 0
