"""The figures of a host are those of its attempts."""

import pytest

from models.operations.timelines import host_figures
from models.operations.timelines.past_attempts import PastAttempt

MIXED = 37  # prime to 100, so that the attempts come in no order of their lengths


def attempt(number, took_us, reason=None, started_at=0):
    ended = ("answered", 200, reason, None, "completed", None, "a.example")
    return PastAttempt(1, number, started_at, started_at + took_us, 0, *ended)


@pytest.mark.parametrize(("count", "half", "most"), [(100, 50, 95), (1, 1, 1), (2, 1, 2), (20, 10, 19)])
def test_half_and_95_in_100_of_the_attempts_took_no_longer(count, half, most):
    lengths = sorted(range(1, count + 1), key=lambda length: length * MIXED % 101)
    rows = [attempt(number, length) for number, length in enumerate(lengths)]

    figures = host_figures._figures("a.example", rows, 0, 10, 1)

    assert (figures.half_us, figures.most_us, figures.attempts) == (half, most, count)


def test_the_slices_count_attempts_and_failures_and_the_last_one_holds_the_end():
    rows = [attempt(3, 1, "timeout", 40), attempt(2, 1, None, 20), attempt(1, 1, "status_500", 0)]

    figures = host_figures._figures("a.example", rows, 0, 40, 2)

    assert (figures.failed, figures.last_error) == (2, rows[0])
    assert figures.by_slice == [(1, 1), (2, 1)]
