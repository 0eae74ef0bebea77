"""When a failed job is tried again."""

import pytest

from models.rules.backoff import delay_us
from models.rules.clock import SECOND

EXPONENTIAL = {"exponential": {"base": 2, "factor": 3, "cap": 20}}


@pytest.mark.parametrize(("attempt", "seconds"), [(1, 17), (2, 19), (3, 23), (10, 1039), (19, 524303)])
@pytest.mark.parametrize("policy", [None, "engine"])
def test_the_wait_grows_exponentially_with_up_to_a_tenth_more(policy, attempt, seconds):
    """The wait grows by the engine's rule with up to a tenth more."""
    assert delay_us(policy, attempt, 0) == seconds * SECOND
    assert delay_us(policy, attempt, 1) == pytest.approx(seconds * 1.1 * SECOND, abs=1)


@pytest.mark.parametrize(
    ("policy", "seconds"),
    [
        ({"fixed": 7}, [7, 7, 7, 7]),
        (EXPONENTIAL, [2, 6, 18, 20]),
        ([1, 5, 60], [1, 5, 60, 60]),
        ({"delays": [1, 5]}, [1, 5, 5, 5]),
        ({"fixed": 1.25}, [1.25] * 4),
    ],
)
def test_a_policy_gives_the_delay_after_each_attempt(policy, seconds):
    assert [delay_us(policy, attempt, 0.9) / SECOND for attempt in (1, 2, 3, 4)] == seconds


@pytest.mark.parametrize(
    "policy",
    [
        {"fixed": 0},
        {"fixed": 0.25},
        [0],
        {"delays": [0, 0.5]},
        {"exponential": {"base": 0, "factor": 2, "cap": 60}},
        {"exponential": {"base": 60, "factor": 2, "cap": 0}},
        {"fixed": 60, "jitter": "full"},
    ],
)
def test_n2_a_second_lies_between_two_attempts_at_least(policy):
    """A job with a delay of nothing was tried 30 times within two seconds."""
    assert [delay_us(policy, attempt, 0) for attempt in (1, 2, 100)] == [SECOND] * 3


def test_full_jitter_draws_between_a_second_and_the_whole_delay():
    policy = {**EXPONENTIAL, "jitter": "full"}
    assert delay_us(policy, 2, 0) == SECOND
    assert delay_us(policy, 2, 0.5) == 3 * SECOND
    assert delay_us(policy, 2, 1) == 6 * SECOND


def test_no_policy_waits_longer_than_a_year_or_overflows():
    steep = {"exponential": {"base": 1e9, "factor": 1e9, "cap": 1e300}}
    assert delay_us(steep, 100, 1) == 31_622_400 * SECOND  # 366 days
