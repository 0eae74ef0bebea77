"""How attempts end that targets acknowledge later, or never."""

import json

import pytest

from models.jobs import states
from models.jobs.job_tables import Attempt, Job, LogEntry
from models.rules import clock
from models.rules.clock import SECOND
from models.rules.times import format_instant
from models.schedules.schedule_tables import Schedule
from models.webhooks import endpoints
from tests.support.acks import WITHIN_S, acknowledge, answer_later, waiting
from tests.support.flows import flow, lane, let_through, next_turns, order
from tests.support.follow_ups import follow_up_bodies
from tests.support.rows import reread
from tests.support.schedule_rows import create_schedule, run_ticker
from workers.ticker.acknowledger import end_acknowledged, end_overdue
from workers.ticker.rescuer import Rescuer, rescue_lost

JSON_TYPE = "application/json"


def entries_of(claim):
    rows = LogEntry.select().where(LogEntry.job_id == claim.id).order_by(LogEntry.inserted_at)
    return [(row.event, json.loads(row.payload)) for row in rows]


def end_late(moved_clock):
    moved_clock.advance(seconds=WITHIN_S + 1)
    return Rescuer().rescue_lost(clock.now(), clock.now())


def test_a_success_completes_the_job(account, moved_clock):
    claim = waiting(account)
    moved_clock.advance(seconds=60)
    acknowledge(claim, body=b'{"rows": 7}', content_type=JSON_TYPE)

    end_acknowledged(clock.now())

    job, attempt = reread(claim), Attempt.get()
    assert (job.state, job.completed_at, job.claim_id, job.ack_until) == ("completed", clock.now(), None, None)
    assert (attempt.status_code, attempt.reason, attempt.finished_at) == (202, None, clock.now())
    assert [event for event, _ in entries_of(claim)] == [
        *("worker.http.request", "worker.http.response"),
        "worker.job.acknowledged",
    ]
    assert entries_of(claim)[-1][1] == {"success": True, "body": {"rows": 7}, "attempt": 1, "next_at": None}


def test_a_failure_is_tried_again_by_the_rule_of_the_job(account, moved_clock):
    claim = waiting(account, backoff='{"fixed": 30}')
    acknowledge(claim, succeeded=False, body=b"disk full", content_type="text/plain")
    moved_clock.advance(seconds=1)

    end_acknowledged(clock.now())

    next_at = clock.now() + 30 * SECOND
    assert (reread(claim).state, reread(claim).scheduled_at) == ("retryable", next_at)
    assert (Attempt.get().reason, Attempt.get().next_at) == ("reported_failure", next_at)
    payload = {"success": False, "body": "disk full", "attempt": 1, "next_at": format_instant(next_at)}
    assert entries_of(claim)[-1] == ("worker.job.acknowledged", payload)


def test_without_an_acknowledgement_in_time_the_attempt_has_failed(account, moved_clock):
    claim = waiting(account, backoff='{"fixed": 30}')

    assert end_late(moved_clock) == 1

    assert (reread(claim).state, reread(claim).scheduled_at) == ("retryable", clock.now() + 30 * SECOND)
    assert (Attempt.get().outcome, Attempt.get().reason) == ("answered", "not_acknowledged")
    event, payload = entries_of(claim)[-1]
    assert (event, payload["reason"], payload["attempt"]) == ("worker.http.error", "not_acknowledged", 1)
    assert reread(claim).crashes == 0


@pytest.mark.parametrize("answer", [False, None])
def test_the_last_attempt_that_fails_discards_the_job(account, moved_clock, answer):
    claim = waiting(account, max_attempts=1)
    if answer is None:
        end_late(moved_clock)
    else:
        moved_clock.advance(seconds=1)  # no entry of the response has the instant of the last
        acknowledge(claim, succeeded=answer)
        end_acknowledged(clock.now())
    reason = "not_acknowledged" if answer is None else "reported_failure"
    assert reread(claim).state == "discarded"
    assert entries_of(claim)[-1] == ("worker.job.discarded", {"reason": reason, "attempt": 1})


def test_before_its_time_is_over_nothing_ends(account, moved_clock):
    claim = waiting(account)
    moved_clock.advance(seconds=WITHIN_S - 1)
    assert (end_acknowledged(clock.now()), end_overdue(clock.now(), 0, clock.now())) == (0, 0)
    assert reread(claim).state == "executing"


def test_the_callback_has_what_the_acknowledgement_brought(account, moved_clock):
    claim = waiting(account, notify='{"callback": "https://a.example/"}')
    assert follow_up_bodies("callback") == []
    acknowledge(claim, body=b'{"rows":7}', content_type=JSON_TYPE)

    end_acknowledged(clock.now())

    [callback] = follow_up_bodies("callback")
    assert (callback["job"]["job"]["state"], callback["error"]) == ("completed", None)
    assert (callback["response"]["status"], callback["response"]["body"]) == (202, '{"rows":7}')


def test_an_attempt_has_one_event_of_its_response_when_it_ends(account, moved_clock):
    endpoints.create(account.id, "https://a.example/", None, True, clock.now())
    claim = waiting(account)
    assert [body["type"] for body in follow_up_bodies("event")] == []
    acknowledge(claim)

    end_acknowledged(clock.now())

    assert [body["type"] for body in follow_up_bodies("event")] == ["job.response", "job.finished"]


def test_an_attempt_without_acknowledgement_has_an_event_of_its_error(account, moved_clock):
    claim = waiting(account, notify='{"webhook": "https://a.example/"}', max_attempts=1)
    end_late(moved_clock)
    events = follow_up_bodies("event")
    assert [(body["type"], body["data"]["error"]) for body in events] == [
        ("job.error", "not_acknowledged"),
        ("job.finished", "not_acknowledged"),
    ]
    assert claim.id == events[0]["data"]["job"]["job_id"]


def test_a_hidden_body_is_hidden_in_the_log(account, moved_clock):
    claim = waiting(account, redact='["body"]')
    acknowledge(claim, body=b"secret", content_type="text/plain")
    end_acknowledged(clock.now())
    assert entries_of(claim)[-1][1]["body"] == "[redacted]"


def test_the_address_of_the_acknowledgement_is_hidden_in_the_log(account, moved_clock):
    _, payload = entries_of(waiting(account))[0]
    assert payload["headers"]["Booper-Ack-Url"] == "[redacted]"


@pytest.mark.parametrize("gate", [flow(concurrency=1), lane()])
@pytest.mark.parametrize("is_acknowledged", [True, False])
def test_the_next_of_its_flow_or_lane_has_its_turn_once_the_attempt_has_ended(
    account, moved_clock, gate, is_acknowledged
):
    first, second = order(account, gate, count=2)
    columns = {"args": '{"url": "https://a.example/"}', "ack_within_us": WITHIN_S * SECOND, "max_attempts": 1}
    Job.update(columns).where(Job.id == first).execute()
    [claim] = let_through([first, second])
    answer_later(claim)
    assert next_turns() == []

    if is_acknowledged:
        acknowledge(claim)
        end_acknowledged(clock.now())
    else:
        end_late(moved_clock)

    assert [job_id for job_id, _ in next_turns()] == [second]


def test_a_schedule_waits_for_the_acknowledgement_and_remembers_its_body(account, moved_clock):
    schedule = create_schedule(account, job={"ack_within_us": 7200 * SECOND})
    [claim] = run_ticker()
    answer_later(claim)
    moved_clock.advance(hours=1)
    assert run_ticker() == []  # the next one is skipped: the first is under way
    assert Job.select().where(Job.state == "cancelled").count() == 1

    acknowledge(claim, body=b'{"cursor": 5}', content_type=JSON_TYPE)
    end_acknowledged(clock.now())
    moved_clock.advance(hours=1)

    [following] = run_ticker()
    assert json.loads(Schedule.get_by_id(schedule.id).previous) == {"cursor": 5}
    assert json.loads(following.memory.previous) == {"cursor": 5}


def test_what_is_under_way_without_acknowledgement_is_given_back_at_the_start_and_what_waits_is_not(
    account, moved_clock
):
    claim = waiting(account)
    assert rescue_lost(clock.now(), 2**62) == 0
    assert reread(claim).state not in states.WAITING
