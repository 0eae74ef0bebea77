"""No message about an incident goes to a target before the earlier ones about it there have ended."""

import random
from collections import defaultdict

import pytest

from models.alerts import announcing, message_order
from models.alerts.alert_tables import Incident, Notification
from models.database.connection import database
from models.jobs import job_store, staging
from models.jobs.job_kinds import ALERT
from models.jobs.job_store import NewJob
from models.jobs.job_tables import Job
from models.jobs.states import LIVE
from models.rules import clock
from models.webhooks import event_order
from tests.support.alerts import RECEIVER, make_alert
from tests.support.rows import plan_of

SLACK = "https://hooks.slack.example/services/T0/s3cret"


@pytest.fixture
def rule(account, moved_clock):
    return make_alert(account, to=[("slack", SLACK), ("webhook", RECEIVER)])


def opened(rule, number):
    """An incident whose beginning is sent by a message of its own."""
    subject = f"gate:{number}"
    columns = {"alert_id": rule.id, "account_id": 1, "alert_name": rule.name, "type": "failed", "subject": subject}
    texts = {"title": subject, "detail": ""}
    incident = Incident.create(**columns, **texts, opened_at=clock.now(), is_flapping=0, subjects=1)
    change([incident])
    return incident


def change(incidents, **columns):
    """Send at once what changed about these incidents."""
    these = Incident.id.in_([each.id for each in incidents])
    Incident.update(announce_at=clock.now(), **columns).where(these).execute()
    announcing.announce(clock.now())


def end(job_id, state="completed"):
    Job.update(state=state).where(Job.id == job_id).execute()


def fail_once(job_id):
    """An event after it might go now; a message may not."""
    Job.update(state="retryable", attempt=1).where(Job.id == job_id).execute()


def to_slack():
    rows = Notification.select(Notification.job_id).where(Notification.way == "slack").distinct()
    return sorted(row.job_id for row in rows)


def due():
    """The ids of the messages that may go now, after all that a ticker does about what waits."""
    event_order.release_left_over_events(clock.now())
    message_order.release_next_messages(clock.now())
    ids = [job.id for job in staging.due(0, clock.now(), 1000)]
    return {row.id for row in Job.select(Job.id).where(Job.id.in_(ids), Job.kind == ALERT)}


def test_an_end_of_many_waits_for_the_beginning_of_each(rule):
    change([opened(rule, 1), opened(rule, 2)], closed_at=clock.now())
    first, second, ends = to_slack()

    end(second)
    assert ends not in due()
    end(first)
    assert ends in due()


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
@pytest.mark.parametrize("state", ["completed", "discarded", "cancelled"])
def test_an_end_of_many_waits_for_none_that_has_ended(rule, order, state):
    change([opened(rule, 1), opened(rule, 2)], closed_at=clock.now())
    *begun, ends = to_slack()
    for place in order:
        end(begun[place], state)
    assert ends in due()


def test_an_end_of_many_does_not_wait_for_messages_to_another_target(rule):
    change([opened(rule, 1), opened(rule, 2)], closed_at=clock.now())
    first, second, ends = to_slack()
    end(first)
    end(second)
    assert ends in due()
    assert set(Job.select(Job.state).where(Job.kind == ALERT, Job.id.not_in([first, second])).tuples()) == {
        ("available",)
    }


@pytest.mark.parametrize("seed", range(12))
def test_none_goes_before_those_that_came_earlier(rule, seed):
    chosen, incidents = random.Random(seed), []
    for _ in range(25):
        step(rule, chosen, incidents)
        may_go = due()
        assert too_early(may_go) == []
        for job_id in chosen.sample(sorted(may_go), chosen.randint(0, min(2, len(may_go)))):
            fail_once(job_id)
        for job_id in chosen.sample(sorted(may_go), chosen.randint(0, min(3, len(may_go)))):
            end(job_id, chosen.choice(["completed", "discarded"]))
    Job.update(state="available").where(Job.state == "retryable").execute()
    while may_go := due():
        assert too_early(may_go) == []
        end(chosen.choice(sorted(may_go)))
    assert Job.select().where(Job.kind == ALERT, Job.state.in_(LIVE)).count() == 0


def step(rule, chosen, incidents):
    """Something opens, or some of what is open is sent again or closes."""
    if len(incidents) < 2 or chosen.random() < 0.4:
        incidents.append(opened(rule, chosen.random()))
        return
    some = chosen.sample(incidents, chosen.randint(1, len(incidents)))
    if chosen.random() < 0.5:
        change(some, announced=None)
        return
    change(some, closed_at=clock.now())
    incidents[:] = [each for each in incidents if each not in some]


def too_early(may_go):
    """The messages that may go although an earlier one about an incident of theirs to the same target has not ended."""
    states = dict(Job.select(Job.id, Job.state).where(Job.kind == ALERT).tuples())
    earlier, early = defaultdict(list), []
    for row in Notification.select().order_by(Notification.job_id):
        key = row.incident_id, row.address
        if row.job_id in may_go and any(states[each] in LIVE for each in earlier[key] if each != row.job_id):
            early.append(row.job_id)
        earlier[key].append(row.job_id)
    return early


def test_the_search_for_what_may_go_reads_no_other_jobs(account, rule, db, monkeypatch):
    """It holds the writers of SQLite up for as long as it reads."""
    change([opened(rule, 1), opened(rule, 2)], closed_at=clock.now())
    others = [NewJob(account.id, "{}", None, None, clock.now()) for _ in range(300)]
    job_store.create_many(others, clock.now())
    database.execute_sql("ANALYZE job")
    statements = []
    with monkeypatch.context() as watched:
        watched.setattr(message_order, "fetch", lambda *each: statements.append(each) or [])
        message_order.release_next_messages(clock.now())
    [(sql, params)] = statements
    plan = plan_of(db, sql, params)
    assert "job_after" in plan
    assert "SCAN later" not in plan
