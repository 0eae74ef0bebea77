"""Reads and writes the pages of lists: limit, offset, and the cursor that marks where the next page begins.

A cursor is the place of the last row (`models/database/paging.py`) with the order of the list, as base64 of JSON. It
holds nothing that its reader has not seen, so it is checked and not signed.
"""

import base64
import json
from typing import Any
from urllib.parse import urlencode

from flask import Response, request
from marshmallow import ValidationError, post_load

from api.requests.fields import Must, order_by, shown, text_form, whole_in_query
from api.requests.ids import BIGGEST, uuid_key
from api.requests.reading.strict_schema import Strict
from api.responses.responses import json_response
from models.database.paging import NEWEST_FIRST, Listing, PageRequest, Place
from models.jobs.job_json import compact

CURSOR = "a cursor that an answer gave for this list in this order"
CURSOR_HEADER = "Booper-Next-Cursor"
MAX_CURSOR_CHARS = 4096
MAX_OFFSET = 100_000  # each skipped row is read; a cursor skips none
NEXT_HEADERS = {
    CURSOR_HEADER: {
        "description": "The cursor of the next page; absent on the last page.",
        "schema": {"type": "string"},
    },
    "Link": {"description": 'The address of the next page, with rel="next".', "schema": {"type": "string"}},
}


class PageQuery(Strict):
    """What every list takes; it is loaded as `page`. A subclass names its `listing`."""

    listing: Listing
    limit = whole_in_query(1, 100, load_default=10)
    offset = whole_in_query(0, MAX_OFFSET, load_default=0)
    cursor = Must(CURSOR, lambda value: value, text_form(MAX_CURSOR_CHARS))

    @post_load
    def as_page(self, data: dict[str, Any], **_: Any) -> dict[str, Any]:
        cursor, order, offset = data.pop("cursor", None), data.pop("order_by"), data.pop("offset")
        if cursor is not None and offset:
            raise ValidationError(f"must be absent when a cursor is given, got {offset}", "offset")
        place = None if cursor is None else _checked_place(cursor, self.listing, order)
        return {**data, "page": PageRequest(order, data.pop("limit"), offset, place)}


def ordered(listing: Listing) -> Must:
    """The field `order_by` of a list."""
    return order_by(listing.orders, load_default=NEWEST_FIRST)


def page_response(text: str, order: tuple[str, str], end: Place | None) -> Response:
    """The response of a list; its headers name the next page if there is one."""
    if end is None:
        return json_response(text)
    cursor = cursor_of(order, end)
    pairs = [(name, value) for name, value in request.args.items(multi=True) if name not in ("cursor", "offset")]
    link = f'<{request.script_root}{request.path}?{urlencode([*pairs, ("cursor", cursor)])}>; rel="next"'
    return json_response(text, 200, {CURSOR_HEADER: cursor, "Link": link})


def cursor_of(order: tuple[str, str], place: Place) -> str:
    return base64.urlsafe_b64encode(compact([*order, *place]).encode()).decode().rstrip("=")


def place_of(cursor: str, listing: Listing, order: tuple[str, str]) -> Place:
    """The place that a cursor names. Raises ValueError for a cursor that this list in this order can't have given."""
    if not isinstance(cursor, str) or not cursor.isascii() or len(cursor) > MAX_CURSOR_CHARS:
        raise ValueError
    text = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True).decode()
    name, direction, value, tie = json.loads(text)
    column, nullable = listing.orders[order[0]]
    fits = nullable if value is None else _is_text(value) if column in listing.texts else _is_whole(value)
    tie_fits = uuid_key(tie) == tie if listing.tie == "uuid" else _is_whole(tie)
    if (name, direction) != order or not fits or not tie_fits:
        raise ValueError
    return Place(value, tie)


def _is_whole(value: Any) -> bool:
    return type(value) is int and -BIGGEST <= value <= BIGGEST


def _is_text(value: Any) -> bool:
    """Whether the database can store it; a lone surrogate raises ValueError."""
    return isinstance(value, str) and b"\0" not in value.encode()


def _checked_place(cursor: Any, listing: Listing, order: tuple[str, str]) -> Place:
    try:
        return place_of(cursor, listing, order)
    except (ValueError, TypeError, AttributeError, RecursionError):
        raise ValidationError(f"must be {CURSOR}, got {shown(cursor)}", "cursor") from None
