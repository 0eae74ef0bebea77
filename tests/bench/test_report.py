"""The table of workloads, and how it shows results. Nothing is timed."""

import inspect

import pytest

from bench import pages, report
from bench.peers import peers
from bench.report import Result
from bench.workloads import WORKLOADS, Bound, Workload

PROMISED = {
    "drain": {
        "Booper, jobs/s": "at least 4000",
        "times BullMQ": "at least 1.2",
        "times Celery": "at least 20",
        "times Procrastinate": "at least 5",
        "times plain Dramatiq": "at least 7",
        "times graphile-worker": "at least 2.5",
    },
    "bodies": {"2 KiB, share of 1 octet, %": "at least 80"},
    "the limit": {},
    "TLS": {"p99 of the lag, new connections, ms": "at most 5"},
    "lateness": {
        "p50 at 100/s, ms": "at most 10",
        "p99 at 100/s, ms": "at most 50",
        "p99 at 500/s, ms": "at most 150",
    },
    "herd": {"until the last is attempted, s": "at most 1"},
    "slow targets": {"until all are finished, s": "at most 25", "peak memory of the workers, MB": "at most 600"},
    "flows": {
        "share of the drain without, %": "at least 60",
        "one flow, % of its rate": "at least 97",
        "the fullest second of it": "at most 500",
        "times that without": "at most 1.2",
    },
    "events": {"hangs / answers": "at most 1.2"},
    "schedules": {
        "until all are planned, s": "at most 1",
        "the same beside many idle, s": "at most 1",
        "instants not fired once": "at most 0",
    },
    "create": {"share of it, %": "at least 75"},
    "batch create": {"jobs/s": "at least 10000"},
    "list": {
        "first page, large / small": "at most 1.3",
        "state filter, large / small": "at most 1.3",
        "offset 10,000 of the large, ms": "at most 30",
    },
    "pruning": {
        "p99 of a create while pruning, times that without": "at most 1.2",
        "jobs pruned/s": "at least 4000",
    },
    "pages": {
        **{f"{page}, ms": "at most 100" for page in pages.PAGES},
        **{f"{timeline}, ms": "at most 150" for timeline in pages.TIMELINES},
        "largest timeline, kB": "at most 200",
    },
    "growth": {"large / small": "at least 0.9"},
    "embedded mode": {"jobs/s": "at least 800"},
    "memory per waiting job": {"bytes a waiting job": "at most 0"},
}


def test_every_promise_has_a_workload_with_its_bound():
    table = {w.name: {bound.figure: text(bound) for bound in w.bounds} for w in WORKLOADS}
    assert table == PROMISED


def text(bound):
    return f"{bound.kind} {bound.value:.15g}"


def test_every_workload_is_measured_by_a_function_of_its_own():
    functions = [workload.rounds for workload in WORKLOADS]
    assert len(set(functions)) == len(WORKLOADS)
    assert all(inspect.isgeneratorfunction(function) for function in functions)


def test_every_peer_has_a_ratio_that_is_aimed_at():
    named = {figure.removeprefix("times ") for figure in PROMISED["drain"] if figure.startswith("times ")}
    assert named == {peer.name for peer in peers()}


@pytest.mark.parametrize(
    ("kind", "median", "word"),
    [
        ("at least", 100.0, "reached"),
        ("at least", 99.9, "NOT REACHED"),
        ("at most", 100.0, "reached"),
        ("at most", 100.1, "NOT REACHED"),
    ],
)
def test_the_table_says_whether_the_median_reaches_the_bound(kind, median, word):
    workload = Workload("w", lambda _: iter(()), (Bound("f", kind, 100),))
    (row,) = report.rows([Result(workload, [{"f": median - 1}, {"f": median}, {"f": median + 5}])])
    assert row[:2] == ("w", "f")
    assert row[-3:] == ("3", f"{kind} 100", word)


def test_a_bound_whose_figure_is_missing_is_not_measured():
    workload = Workload("w", lambda _: iter(()), (Bound("f", "at least", 1),))
    (row,) = report.rows([Result(workload, [], "not there yet")])
    assert row[-1] == "not measured"
    assert report.problems([Result(workload, [], "not there yet")]) == ["w: not there yet"]


def test_the_document_names_machine_figures_notes_and_problems():
    workload = Workload("w", lambda _: iter(()), (Bound("f", "at least", 1),))
    page = report.markdown({"machine": "two cores"}, [Result(workload, [{"f": 2.0}], "it fell over")], {"x": "as is"})
    for line in ("- machine: two cores", "| w | f | 2 | 2 to 2 | 1 | at least 1 | reached |", "- x: as is"):
        assert line in page.splitlines()
    assert "- w: it fell over" in page
