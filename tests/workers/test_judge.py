"""Outcome × attempt × policy → verdict."""

import pytest

from models import clock
from models.backoff import engine_delay_us
from workers.judge import Complete, Discard, Retry, judge
from workers.outcome import Answered, Refused, Timings, Unreachable


def answered(status_code):
    return Answered(status_code, [], b"", False, Timings())


@pytest.mark.parametrize("status_code", [200, 201, 204, 299])
def test_any_2xx_completes(status_code):
    assert judge(answered(status_code), 1, 20, 0, 0.5) == Complete()


@pytest.mark.parametrize("status_code", [199, 300, 301, 304, 400, 404, 429, 500, 503])
def test_anything_else_is_tried_again(status_code):
    verdict = judge(answered(status_code), 1, 20, 1_000, 0)
    assert verdict == Retry(1_000 + 17 * clock.SECOND, f"status_{status_code}")


def test_the_last_attempt_discards():
    assert judge(answered(500), 20, 20, 0, 0) == Discard("status_500")
    assert isinstance(judge(answered(500), 19, 20, 0, 0), Retry)


def test_a_refused_target_is_discarded_at_the_first_attempt():
    assert judge(Refused("blocked_address", "10.0.0.1"), 1, 20, 0, 0) == Discard("blocked_address")


@pytest.mark.parametrize("reason", ["dns", "connect", "tls"])
def test_what_could_map_the_operators_network_reads_the_same(reason):
    verdict = judge(Unreachable(reason, "closed port", Timings()), 1, 20, 0, 0)
    assert verdict.reason == "not_reachable"


@pytest.mark.parametrize(("attempt", "seconds"), [(1, 17), (2, 19), (3, 23), (10, 1039), (19, 524303)])
def test_the_wait_grows_by_the_engines_rule(attempt, seconds):
    assert engine_delay_us(attempt, 0) == seconds * clock.SECOND
    assert engine_delay_us(attempt, 1) == pytest.approx(seconds * 1.1 * clock.SECOND, abs=1)
