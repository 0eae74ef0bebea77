"""The arithmetic of the benchmark, with known results."""

import pytest

from bench.figures import Summary, percentile, rate, ratio, summaries, summary


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([7.0], Summary(7, 7, 7, 1)),
        ([3.0, 1.0, 2.0], Summary(2, 1, 3, 3)),
        ([4.0, 1.0, 3.0, 2.0], Summary(2.5, 1, 4, 4)),
        ([1.0, 1.0, 1.0, 1.0, 100.0], Summary(1, 1, 100, 5)),
    ],
)
def test_a_summary_is_the_median_and_the_extremes(values, expected):
    assert summary(values) == expected


def test_a_figure_that_some_rounds_lack_is_taken_from_the_others():
    seen = summaries([{"a": 1.0}, {"a": 3.0, "b": 5.0}])
    assert list(seen) == ["a", "b"]
    assert seen["a"] == Summary(2, 1, 3, 2)
    assert seen["b"] == Summary(5, 5, 5, 1)


def test_a_ratio_is_the_value_over_the_reference():
    assert ratio(3000, 300) == 10
    assert ratio(150, 300) == 0.5


def test_a_rate_counts_the_gaps_between_the_events():
    assert rate(11, 5_000_000, 6_000_000) == 10
    assert rate(2, 0, 500_000) == 2


@pytest.mark.parametrize(("per_cent", "expected"), [(1, 1), (50, 50), (99, 99), (100, 100)])
def test_a_percentile_is_the_nearest_rank(per_cent, expected):
    assert percentile(range(100, 0, -1), per_cent) == expected


@pytest.mark.parametrize(
    "impossible",
    [
        lambda: summary([]),
        lambda: percentile([], 50),
        lambda: ratio(1, 0),
        lambda: rate(1, 0, 1),
        lambda: rate(5, 10, 10),
    ],
)
def test_a_figure_without_measurements_is_an_error(impossible):
    with pytest.raises(ValueError, match="must"):
        impossible()
