"""Reads from which time a list is to show: one of the presets, or two times that the reader chose."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from marshmallow import ValidationError, validates_schema

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
END_LABELS = {"after": "from", "before": "to"}  # as the picker calls them


class RangeFields(Strict):
    """The ends of a range."""

    after = Must(AN_INSTANT, read_instant, INSTANT_IN_QUERY)
    before = Must(AN_INSTANT, read_instant, INSTANT_IN_QUERY)

    @validates_schema
    def check_order(self, data: dict[str, Any], **_: Any) -> None:
        check_order(data, *ENDS)


class Range(NamedTuple):
    """`span`: the word of the preset, "" for times of the reader's own. `ends`: those of ENDS that are given, as texts
    in UTC."""

    span: str
    ends: dict[str, str]


def address_of(ends: Mapping[str, str]) -> dict[str, str]:
    """The fields of an address whose page shows what lies between these ends of a range."""
    return dict(ends) or {SPAN: ANY}


def as_typed(fields: Mapping[str, str], usual: str = ANY) -> Range:
    """The range of an address as it stands there, also where something is wrong with it. Its own times outrank a
    preset, and `usual` is the preset of an address without any."""
    ends = {name: fields[name] for name in ENDS if name in fields}
    word = fields.get(SPAN, "")
    return Range("" if ends else word if word in LABELS else usual, ends)


def range_of(fields: Mapping[str, str], now: int, usual: str = ANY) -> Range:
    """The range of an address whose times are in UTC."""
    typed = as_typed(fields, usual)
    return typed._replace(ends={"after": format_instant(now - SPANS[typed.span])}) if typed.span in SPANS else typed


def check_order(instants: Mapping[str, Any], first: str, last: str) -> None:
    """Raises ValidationError for a range in which nothing can lie. To a person its empty list would look like one of a
    time in which nothing happened; the API lists it as empty, because the ends of a program's range may meet."""
    if first in instants and last in instants and instants[first] >= instants[last]:
        raise ValidationError("must be later than the beginning of the range", last)
