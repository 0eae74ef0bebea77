"""Requests that wait for listeners: who gets them, how often, and which answers count."""

import json

import pytest

from models.accounts import account_store
from models.database.sql import fetch
from models.jobs import lifecycle
from models.jobs.job_tables import Attempt
from models.jobs.lifecycle import NO_DEADLINE
from models.operations import cancelling
from models.operations.listening import open_requests
from models.operations.listening.open_requests import Reply
from models.rules import clock
from models.rules.clock import SECOND
from tests.support.listeners import NAME, TIMEOUT_S, URL, end_over, hand, reply, take, waiting
from tests.support.races import at_once
from tests.support.rows import claim_job, make_job, plan_of, reread, stage_all
from workers.embedded import EVERY_LEASE
from workers.ticker.listener_results import ListenerResults
from workers.ticker.rescuer import Rescuer, rescue_lost


def test_a_listener_has_room_again_once_a_request_of_it_has_ended(account, moved_clock, monkeypatch):
    monkeypatch.setattr(open_requests, "MAX_OPEN", 1)
    assert open_requests.has_room(account.id, NAME)
    waiting(account)
    assert not open_requests.has_room(account.id, NAME)
    assert open_requests.has_room(account.id, "another")
    moved_clock.advance(seconds=TIMEOUT_S)
    assert end_over() == 1
    assert open_requests.has_room(account.id, NAME)


def test_a_job_whose_request_waits_is_under_way_without_a_worker(account, moved_clock):
    claim = waiting(account)
    job = reread(claim)
    assert (job.state, job.claim_id, job.lease_until) == ("executing", claim.claim_id, NO_DEADLINE)


def test_no_rescue_takes_it_for_lost_not_even_that_of_a_process_that_starts(account, moved_clock):
    claim = waiting(account)
    moved_clock.advance(days=1)
    assert stage_all() == []
    assert rescue_lost(clock.now(), EVERY_LEASE) == Rescuer().rescue_lost(clock.now(), clock.now()) == 0
    assert lifecycle.claim([claim.id], clock.now(), SECOND) == []


def test_an_ordinary_job_under_way_is_rescued_by_a_process_that_starts(account, moved_clock):
    claim_job(account)
    assert rescue_lost(clock.now(), EVERY_LEASE) == 1


def test_a_listener_gets_the_request_of_its_job_as_it_would_be_sent(account, moved_clock):
    claim = waiting(account, body=b"\x00\xff", content_type="application/octet-stream")
    [taken] = take(account)
    sent = json.loads(taken.request)
    assert (taken.job_id, taken.attempt, bytes(taken.body)) == (claim.id, 1, b"\x00\xff")
    assert taken.deadline_at == clock.now() + TIMEOUT_S * SECOND
    assert (sent["method"], sent["path"], sent["url"]) == ("POST", "/hook?a=1", "listener://laptop/hook?a=1")
    assert sent["headers"]["Booper-Job-Id"] == claim.uuid
    assert sent["headers"]["Idempotency-Key"] == claim.uuid
    assert sent["headers"]["Content-Type"] == "application/octet-stream"
    assert sent["headers"]["User-Agent"].startswith("Booper/")


@pytest.mark.parametrize("name", ["User-Agent", "user-agent"])
def test_the_agent_that_the_order_names_is_the_only_one(account, moved_clock, name):
    args = {"method": "post", "url": URL, "headers": {name: "own"}}

    waiting(account, args=json.dumps(args))

    headers = json.loads(take(account)[0].request)["headers"]
    assert {each: value for each, value in headers.items() if each.lower() == "user-agent"} == {name: "own"}


def test_the_oldest_requests_are_given_first_and_no_more_than_wanted(account, moved_clock):
    claims = []
    for _ in range(3):
        claims.append(waiting(account))
        moved_clock.advance(seconds=1)
    assert [taken.job_id for taken in take(account, limit=2)] == [claim.id for claim in claims[:2]]
    assert [taken.job_id for taken in take(account, limit=2)] == [claims[2].id]


def test_a_request_is_given_once(account, moved_clock):
    waiting(account)
    assert len(take(account)) == 1
    assert take(account) == []


def test_of_listeners_that_take_at_the_same_moment_each_gets_others(account):
    claims = {waiting(account).id for _ in range(20)}
    taken = at_once(*[lambda: take(account, limit=5)] * 8)
    got = [request.job_id for each in taken for request in each]
    rest = [request.job_id for request in take(account, limit=20)]
    assert sorted([*got, *rest]) == sorted(claims)


def test_neither_another_listener_nor_another_account_gets_it(account, moved_clock):
    waiting(account)
    assert take(account, name="desktop") == []
    assert take(account_store.account_named("bob", clock.now())) == []


def test_a_request_whose_time_is_over_is_not_given(account, moved_clock):
    waiting(account)
    moved_clock.advance(seconds=TIMEOUT_S)
    assert take(account) == []


def test_a_request_of_a_cancelled_job_is_not_given_and_leaves_no_attempt(account, moved_clock):
    claim = waiting(account)
    cancelling.cancel(account.id, claim.id, clock.now())
    assert take(account) == []

    end_over()

    job = reread(claim)
    assert (job.state, job.attempt, job.claim_id, job.lease_until) == ("cancelled", 0, None, None)
    assert Attempt.select().count() == 0


@pytest.mark.parametrize("_", range(8))
def test_of_a_cancel_and_a_take_at_the_same_moment_the_attempt_is_recorded_only_if_it_was_taken(account, _):
    claim = waiting(account)
    taken, _ = at_once(lambda: take(account), lambda: cancelling.cancel(account.id, claim.id, clock.now()))
    end_over()
    assert [reply(account, request) for request in taken] == [Reply.ACCEPTED] * len(taken)
    end_over()
    assert (reread(claim).state, reread(claim).claim_id) == ("cancelled", None)
    assert Attempt.select().count() == len(taken)


def test_a_job_that_was_cancelled_before_the_hand_over_leaves_no_attempt(account, moved_clock):
    claim = claim_job(account, url="listener://laptop/")
    cancelling.cancel(account.id, claim.id, clock.now())

    hand(claim)

    assert (reread(claim).state, reread(claim).attempt, reread(claim).claim_id) == ("cancelled", 0, None)
    assert fetch("SELECT count(*) FROM listener_request") == [(0,)]


def test_a_claim_that_was_lost_hands_nothing_over(account, moved_clock):
    claim = claim_job(account, url="listener://laptop/")
    lifecycle.release([claim])
    hand(claim)
    assert take(account) == []
    assert reread(claim).state == "available"


def test_an_answer_counts_once(account, moved_clock):
    waiting(account)
    [taken] = take(account)
    assert reply(account, taken) is Reply.ACCEPTED
    assert reply(account, taken) is Reply.SECOND
    end_over()
    assert reply(account, taken) is Reply.SECOND


def test_of_answers_at_the_same_moment_one_counts(account):
    waiting(account)
    [taken] = take(account)
    replies = at_once(*[lambda: reply(account, taken)] * 8)
    assert sorted(each.name for each in replies) == ["ACCEPTED"] + ["SECOND"] * 7


def test_an_answer_after_the_deadline_does_not_count(account, moved_clock):
    waiting(account)
    [taken] = take(account)
    moved_clock.advance(seconds=TIMEOUT_S)
    assert reply(account, taken) is Reply.LATE
    end_over()
    assert reply(account, taken) is Reply.LATE


@pytest.mark.parametrize("_", range(8))
def test_of_an_answer_and_the_end_of_its_attempt_at_the_same_moment_exactly_one_counts(account, _):
    claim = waiting(account, max_attempts=1)
    [taken] = take(account)
    after = clock.now() + TIMEOUT_S * SECOND
    end_late = lambda: ListenerResults(0, 0).end(after)  # noqa: E731 - by a clock that is ahead
    accepted, _ = at_once(lambda: reply(account, taken), end_late)
    end_late()
    assert (reread(claim).state == "completed") is (accepted is Reply.ACCEPTED)
    assert Attempt.select().count() == 1


def test_only_the_listener_that_took_it_may_answer(account, moved_clock):
    waiting(account)
    [(uuid,)] = fetch("SELECT uuid FROM listener_request")
    untaken = open_requests.Taken(str(uuid), 0, 1, "", None, 0)
    assert reply(account, untaken) is Reply.UNKNOWN
    [taken] = take(account)
    assert reply(account, taken, name="desktop") is Reply.UNKNOWN
    assert reply(account_store.account_named("bob", clock.now()), taken) is Reply.UNKNOWN


def test_a_listener_with_too_many_requests_gets_no_more(account, moved_clock, monkeypatch):
    monkeypatch.setattr(open_requests, "MAX_OPEN", 2)
    waiting(account), waiting(account)

    third = waiting(account, backoff='{"fixed": 30}')

    assert (reread(third).state, Attempt.get().reason) == ("retryable", "listener_full")
    assert len(take(account)) == 2
    assert reread(waiting(account, url="listener://desktop/")).state == "executing"


def test_what_was_sent_and_answered_is_kept_no_longer_than_it_is_needed(account, moved_clock):
    waiting(account, body=b"secret", content_type="text/plain")
    reply(account, take(account)[0], b"answer")

    end_over()

    assert fetch("SELECT request, body, answer, answer_body FROM listener_request") == [("{}", None, None, None)]
    moved_clock.advance(hours=1)
    assert open_requests.prune(clock.now()) == 0
    moved_clock.advance(seconds=1)
    assert open_requests.prune(clock.now()) == 1


def test_a_job_of_another_kind_of_target_is_none_of_a_listener_s(account, moved_clock):
    make_job(account)
    assert take(account) == []


def test_the_look_for_what_is_over_reads_no_ended_requests(db, account):
    plan = plan_of(db, open_requests.ANY_OVER, (0,))
    assert "listener_request_deadline" in plan or "listener_request_open" in plan
    assert "hashed" not in plan
