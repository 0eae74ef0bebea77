"""Runs a short SELECT for each slice of a span of time, all in one statement."""

from collections.abc import Sequence
from typing import Any

from models.database.connection import dialect
from models.database.sql import values_table

FIRST, LAST = "{first}", "{last}"  # in the SELECT: where the slice begins and ends


def evenly(first: int, last: int, number: int) -> list[int]:
    """The edges of so many slices of the span."""
    return [first + (last - first) * each // number for each in range(number + 1)]


def for_each(edges: Sequence[int], select: str, params: Sequence[Any]) -> tuple[str, list[Any]]:
    """The statement that gives the rows of `select` for each slice between two edges, and its parameters.

    PostgreSQL joins the slices with it: the plan of a hundred parts would take longer than their rows. SQLite has no
    such join; its parts are quick to plan.
    """
    pairs = list(zip(edges, edges[1:], strict=False))
    if dialect() == "postgresql":
        table, values = values_table("first bigint, last bigint", pairs)
        part = select.replace(FIRST, "slice.first").replace(LAST, "slice.last")
        return f"SELECT part.* FROM {table} AS slice CROSS JOIN LATERAL ({part}) AS part", [*values, *params]
    parts = [select.replace(FIRST, str(first)).replace(LAST, str(last)) for first, last in pairs]
    return " UNION ALL ".join(f"SELECT * FROM ({part}) AS part" for part in parts), [*params] * len(pairs)
