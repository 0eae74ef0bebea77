"""The figures of a host are those of its attempts."""

import pytest

from models.operations.timelines import host_figures
from models.operations.timelines.past_attempts import PastAttempt

MIXED = 37  # prime to 100, so that the attempts come in no order of their lengths


def attempt(number, took_us, reason=None, started_at=0, host="a.example"):
    ended = ("answered", 200, reason, None, "completed", None, host)
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


def test_hosts_with_most_failures_come_first_then_those_with_most_attempts_then_by_name():
    attempts = {"d": (1, 1), "c": (9, 0), "b": (3, 2), "a": (2, 0), "e": (2, 0), "f": (5, 2)}  # of a host: all, failed
    rows = [
        attempt(number, 1, "timeout" if number < failed else None, host=host)
        for host, (every, failed) in attempts.items()
        for number in range(every)
    ]

    figures = host_figures.of_attempts(rows, 0, 40, 2)

    assert [each.host for each in figures] == ["f", "b", "d", "c", "a", "e"]
    assert {each.host: (each.attempts, each.failed) for each in figures} == attempts
