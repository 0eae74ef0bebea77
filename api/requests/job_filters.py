"""Defines the query string of GET /jobs: which jobs, in which order, which page."""

from typing import Any

from marshmallow import ValidationError, validates_schema

from api.requests.fields import Must, choice, text_form
from api.requests.forms import as_number
from api.requests.ids import read_job_key
from api.requests.job_values import A_LABEL, AN_INSTANT, LABEL_FORM, read_label
from api.requests.paging import PageQuery, ordered
from models.jobs import job_kinds, job_lists
from models.jobs.job_lists import JobFilter
from models.jobs.states import STATES
from models.rules import times
from models.rules.url_rules import MAX_NAME_CHARS, split_url

FURTHEST = 2**62
MAX_TEXT_CHARS = 200


def read_instant(value: Any) -> int:
    """An instant in a query string, where a number is text, too."""
    instant = times.parse_instant(as_number(value))
    if abs(instant) > FURTHEST:
        raise ValueError
    return instant


def read_host(value: Any) -> str:
    """A host in the form in which it is stored."""
    if not isinstance(value, str) or len(value) > MAX_NAME_CHARS or set(value) & set("/?#@\\"):
        raise ValueError
    # A host with a colon is an IPv6 address, with or without brackets; a port is not part of a host.
    return split_url(f"https://[{value.strip('[]')}]/" if ":" in value else f"https://{value}/").host


def read_text(value: Any) -> str:
    if not isinstance(value, str) or not 1 <= len(value) <= MAX_TEXT_CHARS or "\0" in value:
        raise ValueError
    return value


class JobsQuery(PageQuery):
    """What GET /jobs takes; `filter_of` turns it into a JobFilter."""

    listing = job_lists.LISTING
    state = choice(STATES)
    kind = choice(job_kinds.KINDS, load_default=job_kinds.KINDS[0])
    order_by = ordered(listing)
    after = Must(AN_INSTANT, read_instant, "string")
    before = Must(AN_INSTANT, read_instant, "string")
    label = Must(A_LABEL, read_label, LABEL_FORM)
    host = Must(
        f"a host such as api.example.com, at most {MAX_NAME_CHARS} characters", read_host, text_form(MAX_NAME_CHARS)
    )
    parent = Must("the integer or UUID of a job", read_job_key, "string")
    text = Must(f"a part of a URL or a name, 1 to {MAX_TEXT_CHARS} characters", read_text, text_form(MAX_TEXT_CHARS, 1))

    @validates_schema
    def check_search(self, data: dict[str, Any], **_: Any) -> None:
        if not filter_of(data).is_search:
            return
        if data["order_by"][0] != "inserted_at":
            raise ValidationError("must be by inserted_at with label, host or text, got another field", "order_by")
        if data["offset"]:
            raise ValidationError(f"must be absent with label, host or text, got {data['offset']}", "offset")


def filter_of(query: dict[str, Any]) -> JobFilter:
    return JobFilter(**{name: query[name] for name in JobFilter._fields if name in query})
