"""What waits for an endpoint or a channel follows its fate: cancelled, held, sent to the new address."""

import json

import pytest

from models.jobs import lifecycle, staging
from models.jobs.job_tables import Job, LogEntry
from models.operations import address_changes, explain
from models.rules import clock
from models.webhooks import channels, delivery_config, endpoints, event_order, notifications
from models.webhooks.event_types import ANSWERED, FINISHED
from models.webhooks.notifications import JobEvent
from models.webhooks.webhook_tables import Endpoint
from tests.support.follow_ups import follow_ups
from tests.support.races import held_elsewhere
from tests.support.rows import claim_of, make_job, reread
from workers.delivery.render import render_request

OLD, NEW = "https://old.example/events", "https://new.example/events"
ABOUT = {"response": None, "error": None, "timings": None}


def add_endpoint(account, url=OLD):
    return endpoints.create(account.id, url, None, True, clock.now())


def config_of(account):
    return delivery_config.of_accounts([account.id]).get(account.id, delivery_config.NONE)


def notify(account, kind=FINISHED, subject=None):
    """The event that a recorder stores for the account's endpoints."""
    subject = subject or make_job(account, "completed")
    known = {event.id for event in follow_ups("event")}
    notifications.add([JobEvent(subject.id, kind, clock.now(), ABOUT)], lambda _: config_of(account), clock.now())
    return [event for event in follow_ups("event") if event.id not in known]


def reasons(job):
    rows = LogEntry.select().where(LogEntry.job_id == job.id, LogEntry.event == "worker.job.cancelled")
    return [json.loads(row.payload)["reason"] for row in rows]


def due():
    return [job.id for job in staging.due(0, clock.now(), 1000)]


def claim(*jobs):
    return [job.id for job in lifecycle.claim([job.id for job in jobs], clock.now(), clock.SECOND)]


def disable(account, endpoint):
    return address_changes.change_endpoint(account.id, endpoint.uuid, {"enabled": 0}, clock.now())


def enable(account, endpoint):
    return address_changes.change_endpoint(account.id, endpoint.uuid, {"enabled": 1}, clock.now())


def test_r2_a_deleted_endpoints_waiting_events_are_cancelled_with_a_reason(account, moved_clock):
    endpoint = add_endpoint(account)
    [waiting] = notify(account)
    [failed] = notify(account)
    lifecycle.retry([(claim_of(failed), clock.now() + clock.DAY)])

    assert address_changes.delete_endpoint(account.id, endpoint.uuid, clock.now())

    assert [reread(job).state for job in (waiting, failed)] == ["cancelled", "cancelled"]
    assert reasons(waiting) == reasons(failed) == ["its endpoint was deleted"]
    assert not address_changes.delete_endpoint(account.id, endpoint.uuid, clock.now())
    assert endpoints.listed(account.id) == []


def test_events_of_another_endpoint_and_of_the_jobs_own_address_stay(account, moved_clock):
    gone, other = add_endpoint(account), add_endpoint(account, NEW)
    subject = make_job(account, "completed", notify=json.dumps({"webhook": "https://own.example/"}))
    events = {json.loads(event.args)["url"]: event for event in notify(account, subject=subject)}

    address_changes.delete_endpoint(account.id, gone.uuid, clock.now())

    assert reread(events[OLD]).state == "cancelled"
    assert reread(events[NEW]).endpoint_id == other.id
    assert {reread(events[url]).state for url in (NEW, "https://own.example/")} == {"available"}


def test_an_address_that_is_also_the_jobs_own_is_the_jobs(account, moved_clock):
    endpoint = add_endpoint(account)
    subject = make_job(account, "completed", notify=json.dumps({"webhook": OLD}))
    [event] = notify(account, subject=subject)
    address_changes.delete_endpoint(account.id, endpoint.uuid, clock.now())
    assert reread(event).state == "available"


def test_more_events_than_follow_at_once_are_not_sent_and_follow_later(account, moved_clock, monkeypatch):
    monkeypatch.setattr(address_changes, "AT_ONCE", 2)
    endpoint = add_endpoint(account)
    events = [event for _ in range(5) for event in notify(account)]

    address_changes.delete_endpoint(account.id, endpoint.uuid, clock.now())

    assert claim(*events) == []
    assert [address_changes.follow_endpoints(clock.now()) for _ in range(3)] == [2, 1, 0]
    assert {reread(event).state for event in events} == {"cancelled"}


def test_an_event_that_fails_after_the_deletion_is_cancelled(account, moved_clock):
    endpoint = add_endpoint(account)
    [event] = notify(account)
    attempt = claim_of(event)
    address_changes.delete_endpoint(account.id, endpoint.uuid, clock.now())
    assert reread(event).state == "executing"  # the request is not undone
    lifecycle.retry([(attempt, clock.now() + clock.MINUTE)])

    address_changes.follow_endpoints(clock.now())

    assert (reread(event).state, reasons(event)) == ("cancelled", ["its endpoint was deleted"])


def test_a_deleted_endpoints_row_goes_when_nothing_waits(account, moved_clock):
    endpoint = add_endpoint(account)
    [event] = notify(account)
    attempt = claim_of(event)
    address_changes.delete_endpoint(account.id, endpoint.uuid, clock.now())
    moved_clock.advance(hours=1)
    address_changes.follow_endpoints(clock.now())
    assert Endpoint.select().count() == 1
    lifecycle.complete([attempt], clock.now())
    address_changes.follow_endpoints(clock.now())
    assert Endpoint.select().count() == 0


def test_r2_a_disabled_endpoints_waiting_events_are_held_until_it_is_enabled(account, moved_clock):
    endpoint = add_endpoint(account)
    [event] = notify(account)
    [failed] = notify(account)
    lifecycle.retry([(claim_of(failed), clock.now() + clock.HOUR)])

    disable(account, endpoint)
    moved_clock.advance(days=30)

    assert due() == claim(event, failed) == []
    [reason, *_] = explain.explain(explain.facts_of(account.id, event.id, clock.now()), clock.now())
    assert reason.code == "endpoint_disabled"

    enable(account, endpoint)
    assert due() == [event.id, failed.id]
    assert claim(event, failed) == [event.id, failed.id]


def test_a_held_event_that_waits_for_another_waits_on(account, moved_clock):
    endpoint = add_endpoint(account)
    subject = make_job(account, "completed")
    [first] = notify(account, ANSWERED, subject)
    [second] = notify(account, FINISHED, subject)
    disable(account, endpoint)

    enable(account, endpoint)

    assert due() == [first.id]
    lifecycle.complete([claim_of(first)], clock.now())
    event_order.release_next_events([subject.id])
    assert due() == [second.id]


def test_an_event_let_go_while_its_endpoint_is_disabled_is_held_again(account, moved_clock):
    endpoint = add_endpoint(account)
    subject = make_job(account, "completed")
    [first] = notify(account, ANSWERED, subject)
    [second] = notify(account, FINISHED, subject)
    attempt = claim_of(first)
    disable(account, endpoint)
    lifecycle.complete([attempt], clock.now())
    event_order.release_next_events([subject.id])

    address_changes.follow_endpoints(clock.now())

    assert due() == []
    enable(account, endpoint)
    assert due() == [second.id]


def test_r2_waiting_events_go_to_the_new_address(account, moved_clock):
    endpoint = add_endpoint(account)
    [event] = notify(account)

    address_changes.change_endpoint(account.id, endpoint.uuid, {"url": NEW}, clock.now())

    stored = reread(event)
    assert (json.loads(stored.args)["url"], stored.host) == (NEW, "new.example")
    assert render_request(claim_of(event), config_of(account)).url == NEW


def test_an_event_that_is_not_readdressed_yet_is_sent_to_the_new_address(account, moved_clock):
    endpoint = add_endpoint(account)
    [event] = notify(account)
    endpoints.change(account.id, endpoint.uuid, {"url": NEW}, clock.now())
    assert render_request(claim_of(event), config_of(account)).url == NEW


def test_a_later_event_to_the_new_address_keeps_the_order(account, moved_clock):
    endpoint = add_endpoint(account)
    subject = make_job(account, "completed")
    [first] = notify(account, ANSWERED, subject)
    claim_of(first)
    address_changes.change_endpoint(account.id, endpoint.uuid, {"url": NEW}, clock.now())
    [second] = notify(account, FINISHED, subject)
    assert reread(second).after_uuid == first.uuid


@pytest.mark.parametrize("values", [{"types": '["job.error"]'}, {}])
def test_another_change_moves_nothing(account, moved_clock, values):
    endpoint = add_endpoint(account)
    [event] = notify(account)
    assert address_changes.change_endpoint(account.id, endpoint.uuid, values, clock.now()).url == OLD
    assert claim(event) == [event.id]
    assert address_changes.follow_endpoints(clock.now()) == 0


def test_an_endpoint_is_settled_a_minute_after_its_change(account, moved_clock):
    endpoint = add_endpoint(account)
    address_changes.change_endpoint(account.id, endpoint.uuid, {"url": NEW}, clock.now())
    address_changes.follow_endpoints(clock.now())
    assert Endpoint.get().unsettled_at == clock.now()
    moved_clock.advance(minutes=1)
    address_changes.follow_endpoints(clock.now())
    assert Endpoint.get().unsettled_at is None


@pytest.mark.parametrize("db", ["postgresql"], indirect=True)
def test_a_change_does_not_wait_for_an_event_that_another_session_holds(account, moved_clock):
    endpoint = add_endpoint(account)
    [held], [free] = notify(account), notify(account)
    with held_elsewhere("job", held.id):
        address_changes.delete_endpoint(account.id, endpoint.uuid, clock.now())
        assert [reread(job).state for job in (held, free)] == ["available", "cancelled"]
    address_changes.follow_endpoints(clock.now())
    assert reread(held).state == "cancelled"


def test_a_removed_channels_waiting_messages_are_cancelled(account, moved_clock):
    for name in ("discord", "slack"):
        channels.configure(account.id, name, f"https://{name}.example/s3cret", clock.now())
        channels.forward(account.id, name, "alex", "hello", 0, clock.now())

    assert address_changes.remove_channel(account.id, "discord", clock.now())

    [removed, other] = follow_ups("channel")
    assert (removed.state, reasons(removed)) == ("cancelled", ["its channel was removed"])
    assert other.state == "available"
    assert not address_changes.remove_channel(account.id, "discord", clock.now())


def test_what_waits_for_another_accounts_endpoint_stays(account, moved_clock):
    endpoint = add_endpoint(account)
    [event] = notify(account)
    assert not address_changes.delete_endpoint(account.id + 1, endpoint.uuid, clock.now())
    assert address_changes.change_endpoint(account.id + 1, endpoint.uuid, {"enabled": 0}, clock.now()) is None
    assert claim(event) == [event.id]
    assert Job.select().where(Job.state == "cancelled").count() == 0
