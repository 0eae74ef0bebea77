"""How attempts end whose requests went to a listener: by its answer, or without one."""

import gzip
import json

import pytest

from models.accounts import account_store
from models.database.transactions import transaction
from models.jobs.job_tables import Attempt, Job, LogEntry
from models.operations import acks, cancelling, heartbeats
from models.operations.heartbeats import MinuteRow
from models.operations.listening import listener_minutes, open_requests
from models.operations.listening.listener_minutes import WORKER
from models.rules import clock
from models.rules.clock import MINUTE, SECOND
from models.rules.lateness import BOUNDS
from models.schedules.schedule_tables import Schedule
from models.webhooks import endpoints
from tests.support.acks import OWN_URL, acknowledge
from tests.support.follow_ups import follow_up_bodies
from tests.support.listeners import TIMEOUT_S, URL, end_over, hand, reply, take, waiting
from tests.support.races import map_at_once
from tests.support.rows import claim_of, make_job, reread
from tests.support.schedule_rows import create_schedule, run_ticker
from workers.delivery.config_cache import ConfigCache
from workers.delivery.listening.hand_over import hand_over
from workers.delivery.render import AckUrls, render_request
from workers.ticker.acknowledger import end_acknowledged
from workers.ticker.listener_results import ERRORS


def entries_of(claim):
    rows = LogEntry.select().where(LogEntry.job_id == claim.id).order_by(LogEntry.inserted_at)
    return [(row.event, json.loads(row.payload)) for row in rows]


def answer(account, body=b"", **fields):
    """The listener takes the one request that waits and answers it."""
    [taken] = take(account)
    reply(account, taken, body, **fields)
    return end_over()


def test_an_attempt_ends_when_its_answer_came_however_late_the_ticker_looks(account, moved_clock):
    waiting(account)
    moved_clock.advance(seconds=2)
    [taken] = take(account)
    reply(account, taken)
    answered_at = clock.now()
    moved_clock.advance(seconds=3)

    assert end_over() == 1

    assert (Attempt.get().finished_at, Attempt.get().total_ms) == (answered_at, 2000)


def test_an_answer_of_success_completes_the_job(account, moved_clock):
    claim = waiting(account, body=b'{"a": 1}', content_type="application/json")
    moved_clock.advance(seconds=2)

    assert answer(account, b"done", headers=[["X-A", "1"]]) == 1

    job, attempt = reread(claim), Attempt.get()
    assert (job.state, job.claim_id, job.lease_until, job.completed_at) == ("completed", None, None, clock.now())
    assert (attempt.outcome, attempt.status_code, attempt.reason, attempt.total_ms) == ("answered", 200, None, 2000)
    (sent, request), (received, response) = entries_of(claim)
    assert (sent, received) == ("worker.http.request", "worker.http.response")
    assert (request["url"], request["body"], request["method"]) == (URL, {"a": 1}, "post")
    assert request["headers"]["Booper-Job-Id"] == claim.uuid
    assert (response["status"], response["body"], response["headers"]) == (200, "done", {"X-A": "1"})


def test_a_failure_is_tried_again_by_the_rule_of_the_job(account, moved_clock):
    claim = waiting(account, backoff='{"fixed": 30}')
    answer(account, status=500)
    assert (reread(claim).state, reread(claim).scheduled_at) == ("retryable", clock.now() + 30 * SECOND)
    assert (Attempt.get().status_code, Attempt.get().reason) == (500, "status_500")

    moved_clock.advance(seconds=30)
    hand(claim_of(claim))
    answer(account)

    assert reread(claim).state == "completed"
    assert [attempt.number for attempt in Attempt.select().order_by(Attempt.number)] == [1, 2]


def test_what_the_answer_asks_for_counts_as_from_any_target(account, moved_clock):
    claim = waiting(account, backoff='{"fixed": 1}')
    answer(account, status=503, headers=[["Retry-After", "600"]])
    assert reread(claim).scheduled_at >= clock.now() + 600 * SECOND

    gone = waiting(account)
    answer(account, status=410)
    assert reread(gone).state == "discarded"

    unexpected = waiting(account, judging='{"success": {"body": "fine"}}', backoff='{"fixed": 1}')
    answer(account, b"not so")
    assert Attempt.get(Attempt.job_id == unexpected.id).reason == "unexpected_body"


@pytest.mark.parametrize(("longest_us", "wait_s"), [(clock.DAY, 7200), (MINUTE, 60)])
def test_a_listener_puts_a_job_off_for_as_long_as_the_operator_allows(account, moved_clock, longest_us, wait_s):
    claim = waiting(account, retry_until=clock.now() + wait_s * SECOND)
    [taken] = take(account)
    reply(account, taken, status=503, headers=[["Retry-After", "7200"]])

    end_over(longest_us=longest_us)

    assert reread(claim).scheduled_at == clock.now() + wait_s * SECOND


def test_what_nobody_took_in_time_has_failed_since_its_listener_is_away(account, moved_clock):
    claim = waiting(account, backoff='{"fixed": 30}')
    moved_clock.advance(seconds=TIMEOUT_S - 1)
    assert end_over() == 0
    moved_clock.advance(seconds=1)

    assert end_over() == 1

    assert (reread(claim).state, reread(claim).scheduled_at) == ("retryable", clock.now() + 30 * SECOND)
    assert (Attempt.get().outcome, Attempt.get().reason) == ("unreachable", "listener_away")
    assert entries_of(claim)[-1][1]["reason"] == "listener_away"
    assert reread(claim).crashes == 0


def test_what_was_taken_and_not_answered_in_time_has_failed_by_time(account, moved_clock):
    claim = waiting(account, max_attempts=1)
    take(account)
    moved_clock.advance(seconds=TIMEOUT_S)
    assert end_over() == 1
    assert (reread(claim).state, Attempt.get().reason) == ("discarded", "timeout")


@pytest.mark.parametrize("error", sorted(ERRORS))
def test_an_error_of_the_listener_s_own_server_is_the_reason(account, moved_clock, error):
    claim = waiting(account, backoff='{"fixed": 30}')
    answer(account, status=None, error=error)
    assert (reread(claim).state, Attempt.get().outcome, Attempt.get().reason) == ("retryable", "unreachable", error)


def test_an_answer_in_time_counts_even_if_the_ticker_looks_after_the_deadline(account, moved_clock):
    claim = waiting(account)
    [taken] = take(account)
    moved_clock.advance(seconds=TIMEOUT_S - 1)
    reply(account, taken)
    moved_clock.advance(days=1)
    assert end_over() == 1
    assert reread(claim).state == "completed"


def test_a_job_cancelled_after_it_was_taken_stays_so_and_its_attempt_is_recorded(account, moved_clock):
    claim = waiting(account)
    [taken] = take(account)
    cancelling.cancel(account.id, claim.id, clock.now())
    assert end_over() == 0
    reply(account, taken, status=500)

    assert end_over() == 1

    assert (reread(claim).state, reread(claim).lease_until) == ("cancelled", None)
    assert (Attempt.get().status_code, Attempt.get().next_at) == (500, None)


@pytest.mark.parametrize(("sent", "was_cut", "is_cut"), [(10, False, False), (11, False, True), (1, True, True)])
def test_a_body_is_shown_as_cut_whoever_cut_it(account, moved_clock, sent, was_cut, is_cut):
    claim = waiting(account)
    [taken] = take(account)
    reply(account, taken, b"x" * sent, truncated=was_cut)

    end_over(kept_bytes=10)

    assert entries_of(claim)[-1][1].get("truncated", False) == is_cut


def test_a_body_is_kept_up_to_the_limit_and_unpacked(account, moved_clock):
    waiting(account)
    [taken] = take(account)
    reply(account, taken, b"x" * 11)
    end_over(kept_bytes=10)
    first = LogEntry.select().where(LogEntry.event == "worker.http.response").get()
    assert (json.loads(first.payload)["body"], json.loads(first.payload)["truncated"]) == ("x" * 10, True)

    packed = waiting(account)
    answer(account, gzip.compress(b"unpacked"), headers=[["Content-Encoding", "gzip"]])
    assert entries_of(packed)[-1][1]["body"] == "unpacked"


def test_a_request_whose_job_ended_otherwise_is_over_without_an_attempt(account, moved_clock):
    claim = waiting(account)
    Job.update(claim_id=claim.claim_id + 1).where(Job.id == claim.id).execute()
    assert end_over() == 0
    assert take(account) == []
    assert Attempt.select().count() == 0


def test_nothing_is_written_while_nothing_is_over(account, moved_clock):
    claim = waiting(account)
    take(account)
    assert end_over() == 0
    assert reread(claim).state == "executing"


def test_many_end_together(account, moved_clock):
    claims = [waiting(account) for _ in range(12)]
    for taken in take(account, limit=12):
        reply(account, taken)
    assert end_over() == 12
    assert {reread(claim).state for claim in claims} == {"completed"}


def test_subscribers_hear_of_it_as_of_any_attempt(account, moved_clock):
    endpoints.create(account.id, "https://events.example/", None, True, clock.now())
    notify = '{"callback": "https://callback.example/"}'
    waiting(account, notify=notify)
    answer(account, b"done")
    kinds = {row.kind for row in Job.select()}
    assert kinds == {"request", "callback", "event"}
    [callback] = follow_up_bodies("callback")
    assert "done" in json.dumps(callback)


def test_a_listener_may_get_callbacks_too(account, moved_clock):
    waiting(account, notify='{"callback": "listener://laptop/callback"}')
    answer(account)
    callback = Job.get(Job.kind == "callback")
    assert callback.host == "laptop.listener"
    hand(claim_of(callback))
    [taken] = take(account)
    assert json.loads(taken.request)["path"] == "/callback"


def test_a_listener_s_server_may_acknowledge_later_and_even_before_it_answers(account, moved_clock):
    job = make_job(account, url=URL, timeout_ms=30_000, ack_within_us=600 * SECOND)
    claim = claim_of(job)
    hand_over(claim, render_request(claim, acks=AckUrls(OWN_URL)), ConfigCache())
    [taken] = take(account)
    assert json.loads(taken.request)["headers"]["Booper-Ack-Url"].startswith(f"{OWN_URL}/api/acks/")
    assert acknowledge(claim) is acks.Taken.ACCEPTED
    end_acknowledged(clock.now())
    assert reread(claim).state == "executing"

    reply(account, taken, status=202, headers=[["Booper-Complete", "later"]])
    end_over()
    end_acknowledged(clock.now())

    assert (reread(claim).state, Attempt.get().status_code) == ("completed", 202)


def test_the_response_is_what_the_next_run_of_a_schedule_gets(account, moved_clock):
    create_schedule(account)
    Job.update(args=json.dumps({"url": URL, "method": "post"})).execute()
    [claim] = run_ticker()
    hand(claim)
    answer(account, b'{"n":7}')
    assert Schedule.get().previous == '{"n":7}'


def figures(account):
    """What the present minute brought."""
    [minute] = heartbeats.minutes(account.id, clock.now(), 1)
    return minute.completed, minute.failed


def test_attempts_of_listeners_are_in_the_figures_of_their_minute(account, moved_clock):
    for status in (200, 500, 200):
        waiting(account)
        answer(account, status=status)

    assert figures(account) == (2, 1)
    assert heartbeats.minutes(account.id, clock.now(), 1)[0].p99_us is not None
    moved_clock.advance(minutes=1)
    assert figures(account) == (0, 0)


def test_an_attempt_that_found_its_listener_full_is_in_the_figures(account, monkeypatch):
    monkeypatch.setattr(open_requests, "MAX_OPEN", 0)

    waiting(account)

    assert (Attempt.get().reason, figures(account)) == ("listener_full", (0, 1))


def test_an_attempt_whose_claim_had_ended_is_in_no_figures(account):
    claim = waiting(account)
    [taken] = take(account)
    reply(account, taken)
    Job.update(claim_id=claim.claim_id + 1).where(Job.id == claim.id).execute()

    end_over()

    assert figures(account) == (0, 0)


def test_an_attempt_that_is_not_recorded_is_not_counted(account, monkeypatch):
    """Both are in one transaction: a recording that breaks off is repeated, and counts once."""
    waiting(account)
    [taken] = take(account)
    reply(account, taken)
    with monkeypatch.context() as broken:
        broken.setattr(listener_minutes, "execute", broken_execute)
        with pytest.raises(ConnectionError):
            end_over()
    assert (Attempt.select().count(), figures(account)) == (0, (0, 0))

    assert end_over() == 1

    assert (Attempt.select().count(), figures(account)) == (1, (1, 0))


def broken_execute(*_):
    raise ConnectionError


def test_those_who_count_at_the_same_moment_lose_nothing(account):
    row = MinuteRow(account.id, clock.now() // MINUTE * MINUTE, WORKER, 1, 2, json.dumps([1] + [0] * len(BOUNDS)))

    def add(_):
        with transaction():
            listener_minutes.add([row])

    map_at_once(add, range(4))

    assert figures(account) == (4, 8)


def test_nothing_is_counted_for_another_account(account):
    other = account_store.account_named("bob", clock.now())
    waiting(account)
    answer(account)

    assert figures(other) == (0, 0)
