"""Reads from which time a list is to show: one of the presets, or two times that the reader chose."""

from collections.abc import Mapping
from typing import NamedTuple

from api.requests.fields import Must
from api.requests.job_filters import INSTANT_IN_QUERY, read_instant
from api.requests.job_values import AN_INSTANT
from api.requests.reading.strict_schema import Strict
from models.rules.clock import DAY, HOUR
from models.rules.times import format_instant

SPANS = {"1h": HOUR, "24h": DAY, "7d": 7 * DAY}  # by the word in the address
ANY = "all"  # the word for whatever is kept
LABELS = {"1h": "last hour", "24h": "24 hours", "7d": "7 days", ANY: "any time"}
SPAN = "span"
ENDS = ("after", "before")
FIELDS = (SPAN, *ENDS)


class RangeFields(Strict):
    """The ends of a range."""

    after = Must(AN_INSTANT, read_instant, INSTANT_IN_QUERY)
    before = Must(AN_INSTANT, read_instant, INSTANT_IN_QUERY)


class Range(NamedTuple):
    """`span`: the word of the preset, "" for times of the reader's own. `ends`: those of ENDS that are given, as texts
    in UTC."""

    span: str
    ends: dict[str, str]


def range_of(fields: Mapping[str, str], now: int, usual: str = ANY) -> Range:
    """The range of an address whose times are in UTC. Its own times outrank a preset, and `usual` is the preset of an
    address without any."""
    if ends := {name: fields[name] for name in ENDS if name in fields}:
        return Range("", ends)
    word = fields.get(SPAN, "")
    span = word if word in LABELS else usual
    return Range(span, {"after": format_instant(now - SPANS[span])} if span in SPANS else {})
