"""Owns what GET /jobs takes: which jobs, in which order, which page."""

from typing import Any

from marshmallow import ValidationError, validates_schema

from api.requests.body import as_number
from api.requests.fields import Must, one_of
from api.requests.ids import job_key
from api.requests.job_fields import AN_INSTANT
from api.requests.labels import LABEL, read_label
from api.requests.paging import PageQuery, ordered
from models.jobs import job_lists, job_store
from models.jobs.job_lists import JobFilter
from models.jobs.lifecycle import STATES
from models.rules import times
from models.rules.url_rules import MAX_NAME_CHARS, split_url

FURTHEST = 2**62
MAX_TEXT_CHARS = 200


def read_instant(value: Any) -> int:
    """An instant in a query string, where a number is a text too."""
    instant = times.parse_instant(as_number(value))
    if abs(instant) > FURTHEST:
        raise ValueError
    return instant


def read_host(value: Any) -> str:
    """A host in the form in which it is kept."""
    if not isinstance(value, str) or len(value) > MAX_NAME_CHARS or set(value) & set("/?#@\\"):
        raise ValueError
    # Whatever has a colon is an IPv6 address, with or without brackets; a port is no part of a host.
    return split_url(f"https://[{value.strip('[]')}]/" if ":" in value else f"https://{value}/").host


def read_text(value: Any) -> str:
    if not isinstance(value, str) or not 1 <= len(value) <= MAX_TEXT_CHARS or "\0" in value:
        raise ValueError
    return value


def read_parent(value: Any) -> int | str:
    key = job_key(value) if isinstance(value, str) else None
    if key is None:
        raise ValueError
    return key


class JobsQuery(PageQuery):
    """What GET /jobs takes; `filter_of` makes a JobFilter of it."""

    listing = job_lists.LISTING
    state = one_of(STATES, ", ".join(STATES))
    kind = one_of(job_store.KINDS, ", ".join(job_store.KINDS), load_default=job_store.KINDS[0])
    order_by = ordered(listing)
    after = Must(AN_INSTANT, read_instant, "string")
    before = Must(AN_INSTANT, read_instant, "string")
    label = Must(LABEL, read_label, "string")
    host = Must(f"a host such as api.example.com, at most {MAX_NAME_CHARS} characters", read_host, "string")
    parent = Must("the integer or UUID of a job", read_parent, "string")
    text = Must(f"a part of a URL or a name, 1 to {MAX_TEXT_CHARS} characters", read_text, "string")

    @validates_schema
    def check_search(self, data: dict[str, Any], **_: Any) -> None:
        if not filter_of(data).is_search:
            return
        if data["order_by"][0] != "inserted_at":
            raise ValidationError("must be by inserted_at with label, host or text, got another field", "order_by")
        if data["offset"]:
            raise ValidationError(f"must be absent with label, host or text, got {data['offset']}", "offset")


def filter_of(asked: dict[str, Any]) -> JobFilter:
    return JobFilter(**{name: asked[name] for name in JobFilter._fields if name in asked})
