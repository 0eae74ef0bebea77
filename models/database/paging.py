"""Cuts lists into pages: their order as SQL, and where the next page begins.

A page begins behind a place (the last row's value and its tie-breaker). An index finds a place however deep it lies,
and rows that are added in between do not move it. A page may also begin at an offset, for clients that number pages.
"""

from typing import Any, NamedTuple

from models.database.connection import dialect
from models.database.sql import fetch

NEWEST_FIRST = ("inserted_at", "desc")
SORTED_AT_MOST = 10_000
MAX_PAGE_BYTES = 4 * 1024 * 1024  # of what clients and targets sent; the last row of a page may exceed it


class Listing(NamedTuple):
    """What a kind of list may be ordered by."""

    orders: dict[str, tuple[str, bool]]  # name: the column, and whether it may be null
    tie: str  # a unique column, which breaks ties
    texts: frozenset[str] = frozenset()  # columns of text, ordered by code point: the databases' own orders differ
    indexed: frozenset[str] | None = None  # orders in which an index gives a page; None: the list is never long


class Place(NamedTuple):
    """The last row of a page: its value in the column of the order, and in the tie-breaker."""

    value: int | str | None
    tie: int | str


class PageRequest(NamedTuple):
    """Which rows of a list: at most `limit` behind `place` (None: from its beginning), after `offset` others.
    `order`: a name in Listing.orders and "asc" or "desc"."""

    order: tuple[str, str]
    limit: int
    offset: int = 0
    place: Place | None = None


class TooManyToSort(Exception):
    """More rows match than are sorted for a page: an index for each order would cost every insert."""

    def __init__(self, name: str, indexed: frozenset[str]) -> None:
        self.name, self.indexed = name, sorted(indexed)


class Page(NamedTuple):
    """Rows, and the place behind which the next page begins; None: there is no further one."""

    rows: list[Any]
    end: Place | None


def order_sql(listing: Listing, order: tuple[str, str]) -> str:
    """ORDER BY of a list: the column, nulls last on both databases, then the tie-breaker in the same direction."""
    (column, nullable), direction = listing.orders[order[0]], order[1].upper()
    if column == listing.tie:
        return f"{column} {direction}"
    # Named for nullable columns only: PostgreSQL would not take the index of another column for it.
    nulls = " NULLS LAST" if nullable else ""
    return f"{_collated(listing, column)} {direction}{nulls}, {listing.tie} {direction}"


def beyond_sql(listing: Listing, order: tuple[str, str], place: Place) -> tuple[str, list[Any]]:
    """The condition that a row comes after the place in this order, and its parameters."""
    (column, nullable), sign = listing.orders[order[0]], ">" if order[1] == "asc" else "<"
    if column == listing.tie:
        return f"{column} {sign} %s", [place.tie]
    if place.value is None:
        return f"{column} IS NULL AND {listing.tie} {sign} %s", [place.tie]
    behind = f"({_collated(listing, column)}, {listing.tie}) {sign} (%s, %s)"
    return f"({behind} OR {column} IS NULL)" if nullable else behind, [place.value, place.tie]


def ids_of(table: str, listing: Listing, where: str, params: list[Any], page: PageRequest) -> Page:
    """A page of tie-breakers (as texts where they are no integers). One row beyond the limit shows whether there is a
    further page; nothing is counted. Raises TooManyToSort."""
    _refuse_long_sorts(table, listing, where, params, page.order[0])
    column = listing.orders[page.order[0]][0]
    if page.place:
        beyond, of_place = beyond_sql(listing, page.order, page.place)
        where, params = f"{where} AND {beyond}", [*params, *of_place]
    sql = f"SELECT {listing.tie}, {column} FROM {table} WHERE {where} ORDER BY {order_sql(listing, page.order)}"
    rows = fetch(f"{sql} LIMIT %s OFFSET %s", (*params, page.limit + 1, page.offset))
    places = [Place(value, tie if isinstance(tie, int) else str(tie)) for tie, value in rows[: page.limit]]
    return Page([place.tie for place in places], places[-1] if len(rows) > page.limit else None)


def _refuse_long_sorts(table: str, listing: Listing, where: str, params: list[Any], name: str) -> None:
    if listing.indexed is None or name in listing.indexed:
        return
    if fetch(f"SELECT 1 FROM {table} WHERE {where} LIMIT 1 OFFSET %s", (*params, SORTED_AT_MOST)):
        raise TooManyToSort(name, listing.indexed)


def fitting(
    table: str, columns: str, size: str, condition: tuple[str, Any], listing: Listing, order: tuple[str, str]
) -> list[tuple[Any, ...]]:
    """The first of the rows that fit into MAX_PAGE_BYTES, one at least. `size`: the SQL of a row's bytes."""
    where, params = condition
    ordered = order_sql(listing, order)
    sized = f"SELECT {columns}, SUM({size}) OVER (ORDER BY {ordered}) - ({size}) AS ahead FROM {table} WHERE {where}"
    return fetch(
        f"SELECT {columns} FROM ({sized}) AS sized WHERE ahead < %s ORDER BY {ordered}", (params, MAX_PAGE_BYTES)
    )


def shown_page(rows: list[Any], ids: Page, listing: Listing, order: tuple[str, str]) -> Page:
    """The page of these rows, which ends at the last of them where not all of the ids fitted."""
    if not rows or len(rows) == len(ids.rows):
        return Page(rows, ids.end)
    column = listing.orders[order[0]][0]
    return Page(rows, Place(getattr(rows[-1], column), getattr(rows[-1], listing.tie)))


def bytes_of(*columns: str) -> str:
    """The SQL of how many bytes these columns of a row have together."""
    size = "octet_length({})" if dialect() == "postgresql" else "LENGTH(CAST({} AS BLOB))"
    return " + ".join(f"COALESCE({size.format(column)}, 0)" for column in columns)


def _collated(listing: Listing, column: str) -> str:
    return f'{column} COLLATE "C"' if column in listing.texts and dialect() == "postgresql" else column
