"""Counts the attempts of a span of time by slices, from what each minute brought an account."""

from typing import NamedTuple

from models.database.sql import fetch


class Count(NamedTuple):
    """Attempts of a slice."""

    completed: int
    failed: int


def by_slice(account_id: int, first: int, last: int, slice_us: int) -> dict[int, Count]:
    """Of each slice that has any, by the instant at which it begins; slices are counted from `first`.

    A minute belongs to the slice in which it begins, and the minutes of more than a day ago to the one of their hour.
    """
    rows = fetch(
        "SELECT (minute_at - %s) / %s AS number, sum(completed), sum(failed) FROM minute_stat "
        "WHERE account_id = %s AND minute_at >= %s AND minute_at < %s GROUP BY number",
        (first, slice_us, account_id, first, last),
    )
    return {first + int(number) * slice_us: Count(int(done), int(failed)) for number, done, failed in rows}
