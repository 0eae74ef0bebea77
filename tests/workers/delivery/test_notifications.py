"""What is told of a job: from claims, results, cancels and lost workers to callbacks and events, stored with them."""

import base64
import json

import pytest

from models.jobs import lifecycle, staging
from models.jobs.job_tables import Job, LogEntry
from models.operations import cancelling
from models.rules import clock
from models.rules.times import format_instant
from models.webhooks import event_order
from models.webhooks.event_types import JOB_EVENT_TYPES
from models.webhooks.webhook_tables import Endpoint
from tests.support.follow_ups import follow_up_bodies, follow_ups
from tests.support.rows import claim_of, make_job, reread
from workers.delivery.attempt_records import Result
from workers.delivery.config_cache import ConfigCache
from workers.delivery.job_events import add_of_claims
from workers.delivery.recorder import record
from workers.delivery.render import render_request
from workers.ticker.rescuer import rescue_lost
from workers.transport.outcome import Answered, Refused, Timings, Unreachable

HOOK = "http://hooks.example/"
OK = Answered(200, [("X-A", "b"), ("Set-Cookie", "id=s3cret")], b"fine", False, Timings(total_ms=3.5))
ERROR = Answered(503, [], b"\xff", True, Timings())
NO_ANSWER = Unreachable("connect", "refused", Timings())
BLOCKED = Refused("blocked_address", "10.0.0.1 is private")
EVERYTHING = {"callback": f"{HOOK}callback", "failure_callback": f"{HOOK}failed", "webhook": f"{HOOK}events"}


def make_notifying_job(account, **columns):
    columns.setdefault("notify", json.dumps(EVERYTHING))
    return make_job(account, **columns)


def record_outcome(job, outcome, claim=None):
    claim = claim or claim_of(job)
    record([Result(claim, render_request(claim), outcome, clock.now())])
    return claim


def types():
    return [event["type"] for event in follow_up_bodies("event")]


def targets(kind):
    """Where the follow-ups of this kind go, by name: a table has no order."""
    return sorted(json.loads(job.args)["url"].rpartition("/")[2] for job in Job.select().where(Job.kind == kind))


def test_a_completed_job_calls_back_with_its_result(account, moved_clock):
    job = make_notifying_job(account, body=b'{"a": 1.0}', content_type="application/json", name="nightly")
    moved_clock.advance(seconds=1)
    record_outcome(job, OK)
    [body] = follow_up_bodies("callback")
    assert set(body) == {"job", "attempts", "response", "error", "timings"}
    assert (body["attempts"], body["error"]) == (1, None)

    headers = {"X-A": "b", "Set-Cookie": "[redacted]"}
    response = {"status": 200, "headers": headers, "body": "fine", "encoding": "text"}
    response |= {"truncated": False, "unreadable": False}
    assert body["response"] == response
    assert body["timings"]["total_ms"] == 3.5
    assert body["timings"]["lateness_ms"] == 1000
    assert body["job"]["id"] == job.uuid
    assert body["job"]["user_id"] == account.uuid
    assert (body["job"]["name"], body["job"]["job"]["state"]) == ("nightly", "completed")
    assert body["job"]["args"]["body"] == {"a": 1.0}


def test_a_callback_is_a_job_due_at_once(account, moved_clock):
    """A callback is a job of its own that is due at once."""
    parent = make_notifying_job(account, hops=2)
    record_outcome(parent, OK)
    callback = Job.get(Job.kind == "callback")
    assert (callback.state, callback.scheduled_at) == ("available", clock.now())
    assert (callback.parent_id, callback.account_id, callback.hops) == (parent.id, account.id, 3)
    assert (callback.host, callback.notify) == ("hooks.example", None)
    assert [due.id for due in staging.due(0, clock.now(), 10) if due.kind == "callback"] == [callback.id]


@pytest.mark.parametrize(
    ("outcome", "columns", "urls"),
    [
        (OK, {}, ["callback"]),
        (BLOCKED, {}, ["callback", "failed"]),
        (ERROR, {"max_attempts": 1}, ["callback", "failed"]),
        (ERROR, {}, []),
    ],
)
def test_who_is_called_back_depends_on_the_final_state(account, outcome, columns, urls):
    record_outcome(make_notifying_job(account, **columns), outcome)
    assert targets("callback") == urls


def test_one_address_for_both_is_called_back_once(account):
    notify = json.dumps({"callback": HOOK, "failure_callback": HOOK})
    record_outcome(make_notifying_job(account, notify=notify), BLOCKED)
    assert len(follow_up_bodies("callback")) == 1


def test_an_answer_that_is_no_text_comes_in_base64(account):
    record_outcome(make_notifying_job(account, max_attempts=1), ERROR)
    response = follow_up_bodies("callback")[0]["response"]
    assert (response["encoding"], response["truncated"]) == ("base64", True)
    assert base64.b64decode(response["body"]) == b"\xff"
    assert follow_up_bodies("callback")[0]["error"] == "status_503"


@pytest.mark.parametrize(("outcome", "reason"), [(NO_ANSWER, "not_reachable"), (BLOCKED, "blocked_address")])
def test_a_job_without_answer_calls_back_with_the_reason(account, outcome, reason):
    record_outcome(make_notifying_job(account, max_attempts=1), outcome)
    body = follow_up_bodies("callback")[0]
    assert (body["response"], body["error"]) == (None, reason)


def test_the_events_of_a_job_tell_its_life_in_order(account, moved_clock):
    job = make_notifying_job(account)
    claim = claim_of(job)
    add_of_claims([claim], ConfigCache(), clock.now())
    moved_clock.advance(seconds=1)
    record_outcome(job, ERROR, claim)
    moved_clock.advance(hours=1)
    claim = claim_of(job)
    add_of_claims([claim], ConfigCache(), clock.now())
    record_outcome(job, OK, claim)
    assert types() == ["job.started", "job.request", "job.response", "job.request", "job.response", "job.finished"]

    events = follow_up_bodies("event")
    rows = list(Job.select().where(Job.kind == "event").order_by(Job.id))
    assert [event["id"] for event in events] == [row.uuid for row in rows]

    stamps = [event["timestamp"] for event in events]
    assert stamps == sorted(set(stamps))  # so they can be put in order by it
    assert [event["data"]["job"]["job"]["state"] for event in events][2::3] == ["retryable", "completed"]
    assert events[2]["data"]["response"]["status"] == 503
    assert events[-1]["data"]["attempts"] == 2


@pytest.mark.parametrize(
    ("attempt", "outcome", "expected"),
    [
        (20, ERROR, ["job.request", "job.response"]),
        (21, ERROR, []),
        (21, NO_ANSWER, []),
        (100, ERROR, ["job.finished"]),
        (100, OK, ["job.finished"]),
    ],
)
def test_n2_attempts_beyond_the_twentieth_have_no_events_but_the_end_has(account, attempt, outcome, expected):
    """A job of a hundred attempts made 4,200 events for 20 endpoints."""
    job = make_notifying_job(account, attempt=attempt - 1, max_attempts=100)
    claim = claim_of(job)

    add_of_claims([claim], ConfigCache(), clock.now())
    record_outcome(job, outcome, claim)

    assert types() == expected
    assert len(targets("callback")) == (outcome is OK or attempt == 100) + (attempt == 100 and outcome is not OK)


def test_a_late_attempt_that_is_lost_has_no_event_but_its_end_has(account, moved_clock):
    for attempt in (50, 100):
        claim_of(make_notifying_job(account, attempt=attempt - 1, max_attempts=100, timeout_ms=1000))
    moved_clock.advance(seconds=60)

    rescue_lost(clock.now())

    assert types() == ["job.finished"]


def test_an_attempt_without_answer_is_an_event_of_its_own(account):
    record_outcome(make_notifying_job(account), NO_ANSWER)
    assert types() == ["job.error"]
    assert follow_up_bodies("event")[0]["data"]["error"] == "not_reachable"
    assert follow_up_bodies("event")[0]["data"]["next_at"]


def test_a_job_that_wants_nobody_told_makes_nothing(account):
    job = make_job(account)
    claim = claim_of(job)
    add_of_claims([claim], ConfigCache(), clock.now())
    record_outcome(job, OK, claim)
    assert Job.select().count() == 1


def test_news_that_cannot_be_told_stops_neither_its_job_nor_the_others(account, caplog):
    broken = make_notifying_job(account, notify=json.dumps({"callback": "no address", "webhook": f"{HOOK}events"}))
    sound = make_notifying_job(account)
    claims = [claim_of(broken), claim_of(sound)]
    record([Result(claim, render_request(claim), OK, clock.now()) for claim in claims])
    assert [reread(job).state for job in (broken, sound)] == ["completed", "completed"]
    assert targets("callback") == ["callback"]  # the sound one's
    assert types().count("job.finished") == 1
    assert f"nobody is notified of job.finished of job {broken.id}" in caplog.text


@pytest.mark.parametrize("kind", ["callback", "event", "channel"])
def test_follow_ups_make_no_follow_ups(account, kind):
    record_outcome(make_notifying_job(account, kind=kind), OK)
    cancelling.cancel(account.id, make_notifying_job(account, kind=kind).id, clock.now())
    assert Job.select().count() == 2


def test_what_a_stale_holder_brings_is_not_told(account, moved_clock):
    job = make_notifying_job(account, timeout_ms=1000)
    stale = claim_of(job)
    moved_clock.advance(seconds=60)
    lifecycle.rescue(clock.now())
    record_outcome(job, OK, stale)
    assert Job.select().count() == 1


def test_a_cancelled_job_calls_back_and_tells(account):
    job = make_notifying_job(account)
    cancelling.cancel(account.id, job.id, clock.now())
    cancelling.cancel(account.id, job.id, clock.now())
    assert types() == ["job.cancelled"]
    [body] = follow_up_bodies("callback")
    assert (body["error"], body["response"], body["attempts"]) == ("cancelled", None, 0)
    assert targets("callback") == ["callback"]


def test_a_job_cancelled_under_way_is_not_finished_besides(account):
    job = make_notifying_job(account)
    claim = claim_of(job)
    cancelling.cancel(account.id, job.id, clock.now())
    record_outcome(job, OK, claim)
    assert types() == ["job.cancelled", "job.response"]
    assert len(follow_up_bodies("callback")) == 1


@pytest.mark.parametrize(
    ("attempts", "expected", "urls"),
    [(20, ["job.error"], []), (1, ["job.error", "job.finished"], ["callback", "failed"])],
)
def test_a_lost_worker_is_told(account, moved_clock, attempts, expected, urls):
    job = make_notifying_job(account, max_attempts=attempts, timeout_ms=1000)
    claim_of(job)
    moved_clock.advance(seconds=60)
    rescue_lost(clock.now())
    assert types() == expected
    assert targets("callback") == urls
    lost = follow_up_bodies("event")[0]["data"]
    assert (lost["error"], lost["next_at"]) == ("worker_lost", format_instant(clock.now()) if attempts > 1 else None)
    assert [body["error"] for body in follow_up_bodies("callback")] == ["worker_lost"] * len(urls)


def test_a_callback_says_when_the_attempt_began_and_ended(account, moved_clock):
    job = make_notifying_job(account)
    claim = claim_of(job)
    moved_clock.advance(seconds=2)
    record_outcome(job, OK, claim)
    timings = follow_up_bodies("callback")[0]["timings"]
    assert timings["started_at"] == "2026-01-01T09:00:00.000000Z"
    assert timings["finished_at"] == "2026-01-01T09:00:02.000000Z"


@pytest.mark.parametrize("outcome", [ERROR, NO_ANSWER])
@pytest.mark.parametrize("attempts", [1, 2])
def test_an_event_says_when_the_next_attempt_is_if_there_is_one(account, moved_clock, outcome, attempts):
    job = make_notifying_job(account, max_attempts=attempts)
    record_outcome(job, outcome)
    next_at = format_instant(reread(job).scheduled_at) if attempts > 1 else None
    assert follow_up_bodies("event")[0]["data"]["next_at"] == next_at


def test_a_job_out_of_time_reports_its_attempt_and_its_end(account):
    """A job out of time tells what its attempt met and why it ended."""
    record_outcome(make_notifying_job(account, retry_until=clock.now()), ERROR)
    assert [event["data"].get("error") for event in follow_up_bodies("event")] == [None, "max_age"]
    assert [body["error"] for body in follow_up_bodies("callback")] == ["max_age"] * 2


def test_a_job_given_up_with_attempts_left_tells_that_it_crashed(account, moved_clock):
    job = make_notifying_job(account, timeout_ms=1000, crashes=lifecycle.CRASHES_ALLOWED - 1)
    claim_of(job)
    moved_clock.advance(seconds=60)
    rescue_lost(clock.now())
    assert [event["data"]["error"] for event in follow_up_bodies("event")] == ["worker_lost", "crashed"]
    assert [body["error"] for body in follow_up_bodies("callback")] == ["crashed"] * 2


def test_secrets_of_the_job_and_a_long_body_are_not_told(account):
    headers = {"Authorization": "s3cret", "X-Mine": "s3cret", "A": "b"}
    args = json.dumps({"url": "http://x/", "headers": headers})
    long = json.dumps("x" * 20_000).encode()
    job = make_notifying_job(account, args=args, redact='["body","x-mine"]', body=long, content_type="application/json")
    record_outcome(job, OK)
    [body] = follow_up_bodies("callback")
    shown = {"Authorization": "[redacted]", "X-Mine": "[redacted]", "A": "b"}
    assert body["job"]["args"] == {"url": "http://x/", "headers": shown, "body_left_out": True}

    callback = Job.get(Job.kind == "callback")
    assert b"s3cret" not in callback.body

    record_outcome(callback, OK)
    entry = LogEntry.get((LogEntry.job_id == callback.id) & (LogEntry.event == "worker.http.request"))
    assert json.loads(entry.payload)["body"] == "[redacted]"


def endpoint(account, **columns):
    columns.setdefault("url", f"{HOOK}all")
    return Endpoint.create(account_id=account.id, created_at=clock.now(), **columns)


def test_an_endpoint_gets_the_events_of_every_job_of_its_account(account):
    endpoint(account)
    record_outcome(make_job(account), OK)
    assert types() == ["job.response", "job.finished"]
    assert targets("event") == ["all", "all"]


def test_an_endpoint_gets_only_the_types_it_takes(account):
    endpoint(account, types='["job.finished"]')
    record_outcome(make_job(account), OK)
    assert types() == ["job.finished"]


def begun(job):
    """A claim of the job that is told of, as a worker does that knows what the account has set."""
    claim, remembered = claim_of(job), ConfigCache()
    remembered.refresh([job.account_id])
    event_order.release_next_events(add_of_claims([claim], remembered, clock.now()))
    return claim


def lived_through_everything(account, moved_clock):
    """A job that got an error first and its answer then."""
    job = make_job(account)
    record_outcome(job, ERROR, begun(job))
    moved_clock.advance(hours=1)
    record_outcome(job, OK, begun(job))


def test_an_endpoint_alone_gets_events_of_every_type(account, moved_clock):
    """An account without a webhook of the job's own never heard that a job began."""
    endpoint(account)
    lived_through_everything(account, moved_clock)
    cancelling.cancel(account.id, make_job(account).id, clock.now())
    record_outcome(make_job(account), NO_ANSWER)

    life = ["job.started", "job.request", "job.response", "job.request", "job.response", "job.finished"]
    assert types() == [*life, "job.cancelled", "job.error"]
    assert set(types()) == set(JOB_EVENT_TYPES)
    assert set(targets("event")) == {"all"}


@pytest.mark.parametrize("event_type", JOB_EVENT_TYPES)
def test_an_endpoint_that_takes_one_type_gets_that_alone(account, moved_clock, event_type):
    endpoint(account, types=json.dumps([event_type]))
    lived_through_everything(account, moved_clock)
    cancelling.cancel(account.id, make_job(account).id, clock.now())
    record_outcome(make_job(account), NO_ANSWER)
    assert set(types()) == {event_type}


def test_a_job_that_wants_callbacks_alone_tells_nobody_that_it_begins(account):
    begun(make_notifying_job(account, notify=json.dumps({"callback": HOOK})))
    assert Job.select().count() == 1


def test_a_disabled_endpoint_and_that_of_another_account_get_nothing(account):
    endpoint(account, enabled=0)
    Endpoint.create(account_id=account.id + 1, url=HOOK, created_at=clock.now())
    record_outcome(make_job(account), OK)
    assert follow_up_bodies("event") == []


def test_one_address_gets_an_event_once(account):
    endpoint(account, url=EVERYTHING["webhook"])
    record_outcome(make_notifying_job(account), OK)
    assert types() == ["job.response", "job.finished"]


# The order of a job's events.


def due():
    return [job.id for job in staging.due(0, clock.now(), 100) if job.kind == "event"]


@pytest.fixture
def pair(account, moved_clock):
    """Two events of one job, response and finished."""
    record_outcome(make_notifying_job(account), OK)
    return follow_ups("event")


def test_an_event_waits_for_the_one_before(pair):
    first, second = pair
    assert due() == [first.id]
    assert second.after_uuid == first.uuid


@pytest.mark.parametrize("outcome", [OK, ERROR, NO_ANSWER, BLOCKED])
def test_an_event_goes_when_the_one_before_ended_its_first_attempt(pair, outcome):
    first, second = pair
    record_outcome(first, outcome)
    assert second.id in due()
    assert reread(second).after_uuid is None


def test_an_event_does_not_go_while_the_one_before_is_under_way(pair):
    claim_of(pair[0])
    event_order.release_next_events([pair[0].parent_id])
    assert due() == []


def test_an_event_whose_worker_was_lost_keeps_its_turn(pair, moved_clock):
    """Nobody knows whether the receiver got it; once let go, the next one may have come before it."""
    claim_of(pair[0])
    moved_clock.advance(hours=1)
    rescue_lost(clock.now())
    assert due() == [pair[0].id]

    claim = claim_of(pair[0])
    event_order.release_left_over_events(clock.now())
    assert due() == []

    record_outcome(pair[0], ERROR, claim)
    assert due() == [pair[1].id]


def test_an_event_given_up_for_crashes_releases_the_next(pair, moved_clock):
    """An event given up since it ended its workers lets the next one go."""
    for _ in range(lifecycle.CRASHES_ALLOWED):
        moved_clock.advance(hours=1)
        claim_of(pair[0])
        moved_clock.advance(hours=1)
        rescue_lost(clock.now())
    assert reread(pair[0]).state == "discarded"
    assert due() == [pair[1].id]


def test_an_event_whose_release_got_lost_is_let_go_by_the_ticker(pair):
    claim = claim_of(pair[0])
    lifecycle.complete([claim], clock.now())
    assert due() == []
    assert event_order.release_left_over_events(clock.now()) == 1
    assert due() == [pair[1].id]


def test_an_event_given_back_by_a_stopping_worker_keeps_its_turn(pair):
    lifecycle.release([claim_of(pair[0])])
    event_order.release_left_over_events(clock.now())
    assert due() == [pair[0].id]


def test_events_to_different_addresses_do_not_wait_for_one_another(account):
    endpoint(account)
    record_outcome(make_notifying_job(account), OK)
    assert len(due()) == 2


def test_events_of_different_jobs_do_not_wait_for_one_another(account):
    for _ in range(2):
        record_outcome(make_notifying_job(account), OK)
    assert len(due()) == 2


def test_headers_of_the_response_that_the_owner_hides_are_hidden_from_receivers_too(account):
    job = make_notifying_job(account, redact='["x-a"]')
    record_outcome(job, OK)
    [callback] = follow_up_bodies("callback")
    assert callback["response"]["headers"] == {"X-A": "[redacted]", "Set-Cookie": "[redacted]"}


EACH = json.dumps({**EVERYTHING, "callback_on": "attempt"})


def test_a_callback_after_each_attempt_says_when_the_next_is(account, moved_clock):
    job = make_notifying_job(account, notify=EACH, max_attempts=3, backoff='{"fixed": 60}')
    for outcome in (ERROR, NO_ANSWER, OK):
        moved_clock.advance(seconds=60)
        record_outcome(job, outcome)

    first, second, last = follow_up_bodies("callback")

    assert [body["attempts"] for body in (first, second, last)] == [1, 2, 3]
    assert [body["error"] for body in (first, second, last)] == ["status_503", "not_reachable", None]
    assert [body["job"]["job"]["state"] for body in (first, second, last)] == ["retryable", "retryable", "completed"]
    assert (first["response"]["status"], second["response"], last["response"]["status"]) == (503, None, 200)
    assert first["next_at"] == format_instant(clock.now() - 60 * clock.SECOND)
    assert last["next_at"] is None
    assert set(first) == set(last) == {"job", "attempts", "response", "error", "timings", "next_at"}
    assert targets("callback") == ["callback"] * 3
    assert types().count("job.response") == 2
    assert set(types()) <= set(JOB_EVENT_TYPES)


@pytest.mark.parametrize(("notify", "count"), [(EACH, 1), (json.dumps(EVERYTHING), 0)])
def test_a_failed_attempt_calls_back_only_if_that_was_ordered(account, notify, count):
    record_outcome(make_notifying_job(account, notify=notify), ERROR)
    assert len(follow_up_bodies("callback")) == count


def test_the_last_attempt_calls_back_once(account):
    record_outcome(make_notifying_job(account, notify=EACH, max_attempts=1), ERROR)
    assert targets("callback") == ["callback", "failed"]


def test_attempts_beyond_the_twentieth_call_back_too_and_have_no_events(account):
    job = make_notifying_job(account, notify=EACH, max_attempts=100, attempt=20)
    record_outcome(job, ERROR)
    assert [body["attempts"] for body in follow_up_bodies("callback")] == [21]
    assert types() == []


def test_a_lost_attempt_calls_back(account, moved_clock):
    job = make_notifying_job(account, notify=EACH, timeout_ms=1000)
    claim_of(job)
    moved_clock.advance(seconds=60)
    rescue_lost(clock.now())

    [body] = follow_up_bodies("callback")
    assert (body["error"], body["attempts"], body["next_at"]) == ("worker_lost", 1, format_instant(clock.now()))


def test_an_attempt_of_a_job_cancelled_under_way_calls_back_for_the_cancel_alone(account, moved_clock):
    job = make_notifying_job(account, notify=EACH)
    claim = claim_of(job)
    cancelling.cancel(account.id, job.id, clock.now())
    record_outcome(job, ERROR, claim)

    assert [body["error"] for body in follow_up_bodies("callback")] == ["cancelled"]
