"""Formats results as a table, for the terminal and for docs/benchmarks.md. Pure."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from bench.figures import Summary, summaries
from bench.workloads import Workload

HEAD = ("workload", "figure", "median", "lowest to highest", "rounds", "bound", "")


class Result(NamedTuple):
    """The result of one workload; `problem` says why figures are missing."""

    workload: Workload
    rounds: list[dict[str, float]]
    problem: str = ""
    took_s: float = 0.0


def rows(results: Iterable[Result]) -> list[tuple[str, ...]]:
    """The rows of the table without its head; figures with a bound come first."""
    return [row for result in results for row in rows_of(result)]


def rows_of(result: Result) -> list[tuple[str, ...]]:
    seen = summaries(result.rounds)
    bounds = {bound.figure: bound for bound in result.workload.bounds}
    rows = []
    for figure in dict.fromkeys([*bounds, *seen]):
        bound = bounds.get(figure)
        measured = seen.get(figure)
        verdict = "" if bound is None else verdict_of(bound.holds(measured.median) if measured else None)
        rows.append((result.workload.name, figure, *shown(measured), str(bound or ""), verdict))
    return rows


def verdict_of(holds: bool | None) -> str:
    return "not measured" if holds is None else "reached" if holds else "NOT REACHED"


def shown(measured: Summary | None) -> tuple[str, str, str]:
    if measured is None:
        return "-", "-", "0"
    return number(measured.median), f"{number(measured.low)} to {number(measured.high)}", str(measured.count)


def number(value: float) -> str:
    """Three significant digits, or all digits before the point."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def problems(results: Iterable[Result]) -> list[str]:
    return [f"{result.workload.name}: {result.problem}" for result in results if result.problem]


def plain(table: Sequence[tuple[str, ...]]) -> str:
    """Columns of equal width."""
    lines = [HEAD, *table]
    widths = [max(len(line[column]) for line in lines) for column in range(len(HEAD))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines
    )


def markdown(machine: dict[str, str], results: Sequence[Result], notes: dict[str, str]) -> str:
    """The text of docs/benchmarks.md."""
    table = [HEAD, ("---",) * len(HEAD), *rows(results)]
    remarks = [f"- {name}: {note}" for name, note in notes.items()] + [f"- {line}" for line in problems(results)]
    return "\n".join(
        [
            "# Benchmarks",
            "",
            "Written by `make bench`. Every part, PostgreSQL, RabbitMQ and the target too, shares the machine below.",
            "What is compared was measured in turn, in one session; ratios are taken in each round.",
            "",
            *(f"- {name}: {value}" for name, value in machine.items()),
            "",
            *("| " + " | ".join(line) + " |" for line in table),
            "",
            "How each was set up, and what is missing:",
            "",
            *remarks,
            "",
        ]
    )
