"""The judge of flows and lanes, against made-up histories: it sees each kind of fault, and none where there is none."""

import pytest

from tests.support.flow_judge import Promise, Run, Turn, broken_promises, fullest_window, most_under_way, out_of_order


@pytest.mark.parametrize(
    ("runs", "most"),
    [
        ([], 0),
        ([Run(1, 0, 10)], 1),
        ([Run(1, 0, 10), Run(2, 10, 20)], 1),
        ([Run(1, 0, 10), Run(2, 9, 20)], 2),
        ([Run(1, 0), Run(2, 1000, 1001)], 2),
        ([Run(1, 0, 0), Run(2, 0, 0)], 2),
        ([Run(1, 0, 9), Run(2, 1, 3), Run(3, 2, 4), Run(4, 5, 6)], 3),
    ],
)
def test_the_largest_number_under_way_is_found(runs, most):
    assert most_under_way(runs) == most
    assert most_under_way(runs[::-1]) == most


@pytest.mark.parametrize(
    ("starts", "fullest"),
    [([], 0), ([5], 1), ([0, 10], 1), ([0, 9], 2), ([0, 6, 9, 12, 15], 4), ([3, 3, 3], 3), ([9, 0], 2)],
)
def test_the_fullest_window_is_found_wherever_it_begins(starts, fullest):
    assert fullest_window(starts, 10) == fullest


def test_a_window_over_its_rate_is_told():
    runs = [Run(1, 0, 1), Run(2, 5, 6), Run(3, 9, 10)]

    assert broken_promises("shop", runs, [Promise(rate=2, per=10)]) == [
        "flow shop: 3 starts in a window, allowed are 2"
    ]
    assert broken_promises("shop", runs, [Promise(rate=3, per=10)]) == []
    assert broken_promises("shop", runs, [Promise(rate=2, per=9)]) == []


def test_the_tolerance_lets_starts_come_a_little_closer_and_no_more():
    runs = [Run(1, 0, 1), Run(2, 95, 96)]

    assert broken_promises("shop", runs, [Promise(rate=1, per=100)], tolerance=5) == []
    assert broken_promises("shop", runs, [Promise(rate=1, per=100)], tolerance=4) != []


def test_too_many_under_way_are_told():
    runs = [Run(1, 0, 10), Run(2, 1, 10), Run(3, 2, 10)]

    assert broken_promises("shop", runs, [Promise(concurrency=2)]) == ["flow shop: 3 under way, allowed are 2"]
    assert broken_promises("shop", runs, [Promise(concurrency=3)]) == []


def test_a_request_that_never_ends_takes_its_place_for_good():
    runs = [Run(1, 0), Run(2, 1000, 1001)]

    assert broken_promises("shop", runs, [Promise(concurrency=1)]) != []


def test_each_start_is_judged_by_the_promise_of_its_time():
    runs = [Run(1, 0, 50), Run(2, 1, 50), Run(3, 60, 70)]
    lowered = [Promise(0, concurrency=2), Promise(40, concurrency=1)]
    raised_late = [Promise(0, concurrency=1), Promise(40, concurrency=2)]

    assert (broken_promises("shop", runs, lowered), len(broken_promises("shop", runs, raised_late))) == ([], 1)


def test_starts_before_a_reset_count_for_no_window():
    runs = [Run(1, 0, 1), Run(2, 5, 6)]

    assert broken_promises("shop", runs, [Promise(0, 1, 10), Promise(4, 1, 10, counts_from=4)]) == []
    assert broken_promises("shop", runs, [Promise(0, 1, 10), Promise(4, 1, 10)]) != []


@pytest.mark.parametrize(
    "turns",
    [
        [],
        [Turn(1, 0, 10), Turn(2, 10, 20)],
        [Turn(1, None, 1), Turn(2, 1, 20)],
        [Turn(1, 20, 30, joined_at=5), Turn(2, 4, 20)],
        [Turn(1, 20, 30, joined_at=5), Turn(2, 6, 20, let_at=4)],
        [Turn(1, 0, 10), Turn(2, None, None), Turn(3, None, None)],
    ],
)
def test_a_lane_in_order_is_not_told(turns):
    assert out_of_order("user", turns) == []


@pytest.mark.parametrize(
    ("turns", "sentence"),
    [
        ([Turn(1, 0, 10), Turn(2, 9, 20)], "lane user: job 2 began at 9, job 1 was final at 10"),
        ([Turn(1, 5, 6), Turn(2, 0, 1)], "lane user: job 2 began at 0, job 1 was final at 6"),
        ([Turn(1, 5, None), Turn(2, 9, 10)], "lane user: job 2 began at 9, job 1 is not final"),
        ([Turn(1, None, None), Turn(2, 9, 10)], "lane user: job 2 began at 9, job 1 is not final"),
        ([Turn(1, None, 5), Turn(2, 1, 20)], "lane user: job 2 began at 1, job 1 was final at 5"),
        ([Turn(1, 20, 30, joined_at=5), Turn(2, 5, 20)], "lane user: job 2 began at 5, job 1 was final at 30"),
        ([Turn(1, 6, 30, joined_at=5), Turn(2, 4, 20)], "lane user: job 1 began at 6, job 2 was final at 20"),
    ],
)
def test_a_job_that_goes_before_its_turn_is_told(turns, sentence):
    assert out_of_order("user", turns) == [sentence]
