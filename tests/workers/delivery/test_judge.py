"""Outcome × attempt × policy → verdict."""

import itertools
import json
import time

import pytest

from models.jobs.lifecycle import ClaimedJob
from models.rules.clock import DAY, HOUR, SECOND
from workers.delivery.judge import Complete, Discard, Later, Retry, failure_of, judge, rest_us
from workers.transport.outcome import Answered, Refused, Timings, Unreachable

NOW = 1_767_258_000_000_000  # 2026-01-01T09:00:00Z
ENGINE_FIRST = 17 * SECOND


def answered_with_headers(status_code, **headers):
    named = [(name.replace("_", "-"), value) for name, value in headers.items()]
    return Answered(status_code, named, b"", False, Timings())


def answered_with(status_code, body):
    return Answered(status_code, [], body, False, Timings())


def job(attempt=1, max_attempts=20, backoff=None, retry_until=None, **judging):
    values = dict.fromkeys(ClaimedJob._fields)
    policy = None if backoff is None else json.dumps(backoff)
    values.update(attempt=attempt, max_attempts=max_attempts, backoff=policy, retry_until=retry_until)
    values.update(judging=json.dumps(judging) if judging else None)
    return ClaimedJob(**values)


def wait_us(outcome, chance=0.0, **columns):
    return judge(outcome, job(**columns), NOW, chance).next_at - NOW


@pytest.mark.parametrize("status_code", [200, 201, 204, 299])
def test_any_2xx_completes(status_code):
    assert judge(answered_with_headers(status_code), job(), NOW, 0.5) == Complete()


@pytest.mark.parametrize("status_code", [199, 300, 304, 400, 404, 429, 500, 503])
def test_anything_else_is_tried_again(status_code):
    assert judge(answered_with_headers(status_code), job(), NOW, 0) == Retry(
        NOW + ENGINE_FIRST, f"status_{status_code}"
    )


def test_the_last_attempt_discards():
    assert judge(answered_with_headers(500), job(attempt=20), NOW, 0) == Discard("status_500")
    assert isinstance(judge(answered_with_headers(500), job(attempt=19), NOW, 0), Retry)
    assert judge(answered_with_headers(500), job(attempt=1, max_attempts=1), NOW, 0) == Discard("status_500")


def test_a_refused_target_is_discarded_at_the_first_attempt():
    assert judge(Refused("blocked_address", "10.0.0.1"), job(), NOW, 0) == Discard("blocked_address")


@pytest.mark.parametrize("reason", ["dns", "connect", "tls"])
def test_what_could_map_the_operators_network_reads_the_same(reason):
    verdict = judge(Unreachable(reason, "closed port", Timings()), job(), NOW, 0)
    assert verdict == Retry(NOW + ENGINE_FIRST, "not_reachable")


def test_t11_the_cause_is_told_where_the_target_is_public():
    """The owner of an expired certificate could read of it nowhere."""
    outcome = Unreachable("tls", "expired", Timings(), cause="certificate_expired")
    assert judge(outcome, job(), NOW, 0) == Retry(NOW + ENGINE_FIRST, "certificate_expired")


def test_a_time_out_is_tried_again_like_a_5xx():
    assert judge(Unreachable("timeout", "", Timings()), job(), NOW, 0) == Retry(NOW + ENGINE_FIRST, "timeout")


@pytest.mark.parametrize("status", [301, 308, 410])
def test_r5_a_target_that_is_gone_or_has_moved_for_good_is_not_tried_again(status):
    """A job whose target had moved was performed 20 times over twelve days."""
    assert judge(answered_with_headers(status), job(), NOW, 0) == Discard(f"status_{status}")


@pytest.mark.parametrize("status", [300, 302, 303, 304, 307, 309, 404, 409, 411])
def test_any_other_failure_is_tried_again(status):
    assert judge(answered_with_headers(status), job(), NOW, 0) == Retry(NOW + ENGINE_FIRST, f"status_{status}")


@pytest.mark.parametrize(("value", "stops"), [("abort-message", True), (" Abort-Message ", True), ("other", False)])
def test_a_target_may_ask_for_no_further_try(value, stops):
    verdict = judge(answered_with_headers(500, Webhook_Delivery=value), job(), NOW, 0)
    assert isinstance(verdict, Discard) is stops


@pytest.mark.parametrize("value", ["true", " True "])
def test_489_with_the_header_of_qstash_ends_the_job(value):
    outcome = answered_with_headers(489, Upstash_NonRetryable_Error=value)
    assert judge(outcome, job(), NOW, 0) == Discard("status_489")


@pytest.mark.parametrize("status", [488, 500])
def test_that_header_ends_nothing_with_another_status(status):
    outcome = answered_with_headers(status, Upstash_NonRetryable_Error="true")
    assert isinstance(judge(outcome, job(), NOW, 0), Retry)


@pytest.mark.parametrize("headers", [{}, {"Upstash_NonRetryable_Error": "false"}])
def test_489_without_it_is_tried_again(headers):
    assert isinstance(judge(answered_with_headers(489, **headers), job(), NOW, 0), Retry)


@pytest.mark.parametrize("status", [409, 200, 299])
def test_the_statuses_that_a_job_counts_as_success_complete_it(status):
    assert judge(answered_with_headers(status), job(success={"status": ["2xx", "409"]}), NOW, 0) == Complete()


@pytest.mark.parametrize("status", [200, 408, 410, 500])
def test_others_do_not(status):
    assert judge(answered_with_headers(status), job(success={"status": ["409"]}), NOW, 0) != Complete()


@pytest.mark.parametrize("status", [301, 410])
def test_what_would_end_a_job_may_be_its_success(status):
    counted = job(success={"status": ["301", "4xx"]}, stop_on=["3xx", "4xx"])
    assert judge(answered_with_headers(status), counted, NOW, 0) == Complete()


@pytest.mark.parametrize("body", [b"ok", b'{"result": "ok"}', b"it is ok\xff"])
def test_an_answer_with_the_text_that_a_job_expects_completes_it(body):
    assert judge(answered_with(200, body), job(success={"body": "ok"}), NOW, 0) == Complete()


def test_the_text_is_compared_as_utf_8():
    assert judge(answered_with(200, "größer".encode()), job(success={"body": "ö"}), NOW, 0) == Complete()


@pytest.mark.parametrize("body", [b"", b"OK", b"o k"])
def test_an_answer_without_the_text_fails(body):
    expecting = job(success={"body": "ok"})
    assert judge(answered_with(200, body), expecting, NOW, 0) == Retry(NOW + ENGINE_FIRST, "unexpected_body")
    assert failure_of(answered_with(200, body), expecting) == "unexpected_body"


def test_the_text_alone_is_no_success():
    assert judge(answered_with(500, b"ok"), job(success={"body": "ok"}), NOW, 0) == Retry(
        NOW + ENGINE_FIRST, "status_500"
    )


def test_an_answer_without_the_text_may_end_the_job():
    ended = job(success={"body": "ok"}, stop_on=["2xx"])
    assert judge(answered_with(200, b"down"), ended, NOW, 0) == Discard("unexpected_body")


@pytest.mark.parametrize("status", [400, 404, 429, 503])
def test_the_statuses_on_which_a_job_stops_end_it(status):
    stopping = job(stop_on=["4xx", "503"])
    assert judge(answered_with_headers(status, Retry_After="5"), stopping, NOW, 0) == Discard(f"status_{status}")


@pytest.mark.parametrize("outcome", [answered_with(500, b""), answered_with(302, b"")])
def test_other_failures_of_such_a_job_are_tried_again(outcome):
    assert isinstance(judge(outcome, job(stop_on=["4xx", "503"]), NOW, 0), Retry)


def test_a_job_that_stops_on_a_status_is_tried_again_without_an_answer():
    outcome = Unreachable("timeout", "", Timings())
    assert judge(outcome, job(stop_on=["5xx"], success={"body": "ok"}), NOW, 0) == Retry(NOW + ENGINE_FIRST, "timeout")


def test_the_jobs_own_policy_decides_the_wait():
    assert wait_us(answered_with_headers(500), backoff={"fixed": 5}) == 5 * SECOND
    assert wait_us(answered_with_headers(500), backoff=[1, 2], attempt=9) == 2 * SECOND


def test_a_policy_without_a_wait_waits_a_second():
    assert wait_us(answered_with_headers(500), backoff={"fixed": 0}) == SECOND
    assert wait_us(answered_with_headers(429, Retry_After="0"), backoff={"fixed": 0}) == SECOND


@pytest.mark.parametrize(
    ("status_code", "value", "seconds"),
    [
        (429, "120", 120),
        (503, "120", 120),
        (503, "Thu, 01 Jan 2026 09:02:00 GMT", 120),
        (503, "Thu Jan  1 09:02:00 2026", 120),  # an older form, in UTC too
        (503, "Thu, 01 Jan 2026 11:02:00 +0200", 120),
        (503, "5", 17),  # never sooner than the policy says
        (500, "120", 120),
        (404, "120", 120),
        (302, "120", 120),
        (429, "0", 17),
        (429, "-5", 17),
        (429, "soon", 17),
        (429, "", 17),
        (429, "1e9", 17),
        (429, "²", 17),
        (429, "999999999999999999999999", 86400),
        (429, "86401", 86400),
        (429, "7200", 7200),
        (429, "Fri, 01 Jan 9999 09:02:00 GMT", 86400),
        (429, "Thu, 01 Jan 2015 09:02:00 GMT", 17),
        (429, "Thu, 99 Jan 2026 09:02:00 GMT", 17),
    ],
)
def test_a_target_puts_a_job_off_for_a_day_at_most(status_code, value, seconds):
    assert wait_us(answered_with_headers(status_code, Retry_After=value)) == seconds * SECOND


@pytest.mark.parametrize(("longest_us", "seconds"), [(0, 17), (60 * SECOND, 60), (2 * DAY, 100_000)])
def test_the_operator_says_for_how_long(longest_us, seconds):
    verdict = judge(answered_with_headers(429, Retry_After="100000"), job(), NOW, 0, longest_us)
    assert verdict.next_at - NOW == seconds * SECOND


@pytest.mark.parametrize(
    ("status_code", "longest_us", "rest_s"),
    [(429, DAY, 3600), (503, DAY, 3600), (503, 60 * SECOND, 60), (500, DAY, 0), (404, DAY, 0)],
)
def test_a_whole_host_rests_for_an_hour_at_most_and_only_where_it_is_busy(status_code, longest_us, rest_s):
    outcome = answered_with_headers(status_code, Retry_After="7200")
    assert rest_us(outcome, NOW, longest_us) == rest_s * SECOND


@pytest.mark.parametrize(("seconds", "spread_s"), [(30, 10), (1, 1), (120, 40), (3600, 300)])
def test_r1_jobs_that_a_busy_target_sent_away_come_back_over_a_while(seconds, spread_s):
    """They all came back at the end of Retry-After, within 100 ms."""
    outcome = answered_with_headers(429, Retry_After=str(seconds))
    waits = sorted(wait_us(outcome, chance=number / 368, backoff={"fixed": 0}) for number in range(368))
    assert (waits[0], waits[-1] // SECOND) == (seconds * SECOND, seconds + spread_s - 1)
    gaps_us = [later - sooner for sooner, later in itertools.pairwise(waits)]
    assert min(gaps_us) >= spread_s * SECOND // 368 - 1


@pytest.mark.parametrize(("fixed_s", "wait_s"), [(29, 40), (30, 40), (31, 31)])
def test_only_a_wait_that_is_longer_than_retry_after_is_not_spread(fixed_s, wait_s):
    outcome = answered_with_headers(429, Retry_After="30")
    assert wait_us(outcome, chance=1, backoff={"fixed": fixed_s}) == wait_s * SECOND


def test_the_spread_does_not_exceed_the_jobs_greatest_age():
    outcome = answered_with_headers(429, Retry_After="30")
    assert wait_us(outcome, chance=1, retry_until=NOW + 31 * SECOND) == 31 * SECOND


def test_no_try_is_due_after_the_jobs_greatest_age():
    assert judge(answered_with_headers(500), job(retry_until=NOW + ENGINE_FIRST), NOW, 0) == Retry(
        NOW + ENGINE_FIRST, "status_500"
    )
    assert judge(answered_with_headers(500), job(retry_until=NOW + ENGINE_FIRST - 1), NOW, 0) == Discard("max_age")
    assert judge(answered_with_headers(503, Retry_After="3600"), job(retry_until=NOW + HOUR - 1), NOW, 0) == Discard(
        "max_age"
    )


def test_chance_spreads_the_retries():
    assert wait_us(answered_with_headers(500), chance=1) == pytest.approx(1.1 * ENGINE_FIRST)


@pytest.fixture
def tokyo(monkeypatch):
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.parametrize("value", ["Thu Jan  1 09:02:00 2026", "Thu, 01 Jan 2026 09:02:00 -0000"])
def test_a_date_without_zone_is_in_utc_wherever_the_server_stands(tokyo, value):
    assert wait_us(answered_with_headers(503, Retry_After=value)) == 120 * SECOND


LATER = answered_with_headers(202, Booper_Complete=" Later ")


def test_a_target_that_will_acknowledge_has_until_the_job_s_time():
    assert judge(LATER, job()._replace(ack_within_us=60 * SECOND), NOW, 0) == Later(NOW + 60 * SECOND)


@pytest.mark.parametrize(
    "outcome",
    [
        answered_with_headers(202),
        answered_with_headers(202, Booper_Complete="now"),
        answered_with_headers(200, Booper_Complete="later"),
    ],
)
def test_another_answer_of_a_job_that_may_be_acknowledged_completes_it(outcome):
    assert judge(outcome, job()._replace(ack_within_us=60 * SECOND), NOW, 0) == Complete()


def test_later_of_a_job_that_may_not_be_acknowledged_completes_it():
    assert judge(LATER, job(), NOW, 0) == Complete()


def test_what_an_owner_counts_as_success_waits_for_the_acknowledgement_all_the_same():
    policies = {"ack_within_us": SECOND, "judging": '{"success": {"status": [200]}, "stop_on": ["2xx"]}'}
    assert judge(LATER, job()._replace(**policies), NOW, 0) == Later(NOW + SECOND)
