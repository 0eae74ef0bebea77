"""Declares how much time a timeline may show, and reads which part of it the address names. Pure."""

from typing import NamedTuple

from models.rules.clock import DAY, HOUR, MINUTE, WEEK


class Span(NamedTuple):
    """`each_way_us`: shown to the left of now and to the right. `slice_us`: what a bar stands for. `tick_us`: between
    two marks of the axis. `refresh_s`: how often an open page asks again."""

    name: str
    label: str
    each_way_us: int
    slice_us: int
    tick_us: int
    refresh_s: int


SPANS = (
    Span("5m", "5 min", 5 * MINUTE, MINUTE, MINUTE, 2),
    Span("15m", "15 min", 15 * MINUTE, MINUTE, 5 * MINUTE, 3),
    Span("1h", "1 h", HOUR, MINUTE, 15 * MINUTE, 3),
    Span("6h", "6 h", 6 * HOUR, 5 * MINUTE, 2 * HOUR, 10),
    Span("24h", "24 h", DAY, 20 * MINUTE, 6 * HOUR, 20),
    Span("7d", "7 d", WEEK, 2 * HOUR, 2 * DAY, 30),
)
DEFAULT = "1h"
LATE, LONG = "late", "long"
HEIGHTS = {LATE: "lateness", LONG: "duration"}


def span_of(name: str) -> Span:
    """The span of this name; the default one for any other text."""
    by_name = {span.name: span for span in SPANS}
    return by_name.get(name, by_name[DEFAULT])


def height_of(name: str) -> str:
    return name if name in HEIGHTS else LATE
