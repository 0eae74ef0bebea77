"""Sends test messages of alert rules, so many in an hour at most: anybody's address may stand in a rule."""

from collections.abc import Sequence

from models.accounts import account_store
from models.alerts import message_order, messages, ways
from models.alerts.alert_tables import AlertTest
from models.alerts.announcing import StoredTarget, job_for, targets_of
from models.alerts.change_counts import MADE, count
from models.alerts.messages import Message
from models.database.transactions import transaction
from models.jobs import job_store
from models.jobs.job_store import JobRow, NewJob
from models.rules.clock import HOUR, MINUTE

AN_HOUR = 30  # of an account
ENDS_AFTER_US = MINUTE  # enough for a telephone to ring


class TooManyTests(Exception):
    """The account has sent as many within an hour as it may. `free_at`: when it may send the next."""

    def __init__(self, free_at: int) -> None:
        super().__init__(free_at)
        self.free_at = free_at


def send(account_id: int, alert_id: int, rule_name: str, now: int, place: int | None = None) -> list[JobRow]:
    """Send a test message to each target of a rule, or to the one at this place, and return the jobs that do it. Where
    the test stays open until its end comes, send that a minute later. Raises TooManyTests."""
    message = Message(messages.TEST, rule_name, (), now)
    with transaction():
        targets = targets_of([alert_id]).get(alert_id, [])
        chosen = targets if place is None else targets[place : place + 1]
        _count(account_id, len(chosen), now)
        made = job_store.create_many([job_for(account_id, each, message, now) for each in chosen], now)
        jobs = [job for job in made if job]
        ends = job_store.create_many(_ends(account_id, chosen, jobs, message, now), now)
        count(MADE, len(jobs) + len(ends))
    return jobs


def _ends(
    account_id: int, targets: Sequence[StoredTarget], tests: Sequence[JobRow], message: Message, now: int
) -> list[NewJob]:
    """The jobs that end these tests, each behind the job of its test."""
    ended, later = message._replace(type=messages.TEST_ENDED), now + ENDS_AFTER_US
    return [
        message_order.after(job_for(account_id, each, ended, later), test.uuid, now)
        for each, test in zip(targets, tests, strict=True)
        if each.target.way in ways.KEPT_OPEN
    ]


def _count(account_id: int, sent: int, now: int) -> None:
    """Note so many messages, under the lock on the account, unless they would be too many."""
    account_store.lock(account_id)
    mine = AlertTest.account_id == account_id
    AlertTest.delete().where(mine, AlertTest.sent_at <= now - HOUR).execute()
    before = [row.sent_at for row in AlertTest.select().where(mine).order_by(AlertTest.sent_at)]
    surplus = len(before) + sent - AN_HOUR
    if surplus > 0:
        raise TooManyTests(before[min(surplus, len(before)) - 1] + HOUR)
    if sent:
        AlertTest.insert_many([{"account_id": account_id, "sent_at": now}] * sent).execute()
