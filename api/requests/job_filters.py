"""Defines the filters of jobs, and the query string of GET /jobs: which jobs, in which order, which page."""

import re
from typing import Any

from marshmallow import ValidationError, pre_load, validates_schema

from api.requests.fields import Must, choice, expansion, plain_form, text_form
from api.requests.flow_fields import A_GATE_KEY, KEY_FORM, is_gate_key
from api.requests.forms import as_number
from api.requests.ids import NAME, read_job_key, uuid_key
from api.requests.job_values import A_LABEL, AN_INSTANT, LABEL_FORM, read_label
from api.requests.paging import PageQuery, ordered
from api.requests.reading.strict_schema import Strict
from api.requests.text_forms import INSTANT_IN_QUERY, JOB_KEY_FORM, pattern_form
from api.responses.expanded_jobs import EXPANSIONS
from models.jobs import job_kinds, job_lists
from models.jobs.searches.job_filter import JobFilter
from models.jobs.states import LATER, STATES
from models.rules import clock, times
from models.rules.url_rules import MAX_NAME_CHARS, MAX_URL_CHARS, split_url

FURTHEST = 2**62
MAX_TEXT_CHARS = 200
MAX_REASON_CHARS = 300
HOST_FORM = text_form(MAX_NAME_CHARS, 1) | {"format": "hostname", "example": "api.example.com"}
SCHEDULE_FORM = pattern_form(NAME.pattern, "daily-report")
OVERDUE = "overdue"
OR_BEGINS = "; with * at its end: whatever begins so"

_STATUS = re.compile(r"[1-5](xx|[0-9]{2})")
_INSTANT = re.compile(INSTANT_IN_QUERY["pattern"])


def read_instant(value: Any) -> int:
    """An instant in a query string, where a number is text, too."""
    if isinstance(value, str) and not _INSTANT.fullmatch(value):
        raise ValueError
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


def read_schedule(value: Any) -> str:
    if not isinstance(value, str) or not NAME.fullmatch(value):
        raise ValueError
    return uuid_key(value) or value


def read_gate(value: Any) -> str:
    if not is_gate_key(value):
        raise ValueError
    return str(value)


def read_status(value: Any) -> str:
    """A status code, or a class of them such as 5xx."""
    text = str(value) if type(value) is int else value
    if not isinstance(text, str) or not _STATUS.fullmatch(text.lower()):
        raise ValueError
    return text.lower()


def read_replayed(value: Any) -> bool:
    """True or false, in a query string as a text."""
    if value not in ("true", "false") and not isinstance(value, bool):
        raise ValueError
    return value in (True, "true")


def plain_text(max_chars: int, expected: str) -> Must:
    """A text that the database can compare with what it holds."""

    def read(value: Any) -> str:
        if not isinstance(value, str) or not 1 <= len(value) <= max_chars or "\0" in value:
            raise ValueError
        value.encode()  # a lone surrogate raises UnicodeEncodeError, a ValueError
        return value

    return Must(f"{expected}, 1 to {max_chars} characters", read, plain_form(max_chars, 1))


class FilterFields(Strict):
    """What restricts jobs, in a query string or in a body; `filter_of` makes a JobFilter of it."""

    state = choice(STATES)
    kind = choice(job_kinds.KINDS, load_default=job_kinds.KINDS[0])
    after = Must(AN_INSTANT, read_instant, INSTANT_IN_QUERY)
    before = Must(AN_INSTANT, read_instant, INSTANT_IN_QUERY)
    label = Must(f"{A_LABEL}{OR_BEGINS}", read_label, LABEL_FORM)
    host = Must(f"a host such as api.example.com, at most {MAX_NAME_CHARS} characters", read_host, HOST_FORM)
    parent = Must("the integer or UUID of a job", read_job_key, JOB_KEY_FORM)
    text = plain_text(MAX_TEXT_CHARS, "a part of a URL or a name")
    url = plain_text(MAX_URL_CHARS, f"a URL as it was ordered{OR_BEGINS}")
    path = plain_text(MAX_URL_CHARS, f"the path of a URL without its query{OR_BEGINS}")
    name = plain_text(255, f"a name{OR_BEGINS}")
    schedule = Must("the UUID or the key of a schedule", read_schedule, SCHEDULE_FORM)
    flow = Must(A_GATE_KEY, read_gate, KEY_FORM)
    lane = Must(A_GATE_KEY, read_gate, KEY_FORM)
    status_code = Must(
        "a status code such as 503, or a class such as 5xx", read_status, pattern_form("[1-5]([xX]{2}|[0-9]{2})", "5xx")
    )
    reason = plain_text(MAX_REASON_CHARS, "the reason of a failed attempt, or unknown")
    scheduled_after = Must(AN_INSTANT, read_instant, INSTANT_IN_QUERY)
    scheduled_before = Must(AN_INSTANT, read_instant, INSTANT_IN_QUERY)
    failed_after = Must(AN_INSTANT, read_instant, INSTANT_IN_QUERY)
    failed_before = Must(AN_INSTANT, read_instant, INSTANT_IN_QUERY)
    due = choice((OVERDUE,))
    replayed = Must("true or false", read_replayed, "boolean")


class ExpandQuery(Strict):
    """What GET /jobs/{id} takes."""

    expand = expansion(EXPANSIONS)


class JobsQuery(FilterFields, ExpandQuery, PageQuery):
    """What GET /jobs takes."""

    listing = job_lists.LISTING
    order_by = ordered(listing)

    @pre_load
    def order_due(self, data: dict[str, Any], **_: Any) -> dict[str, Any]:
        """What is overdue comes in the order in which it was due."""
        return {"order_by": ["scheduled_at", "asc"], **data} if "due" in data else data

    @validates_schema
    def check_search(self, data: dict[str, Any], **_: Any) -> None:
        if not filter_of(data).is_search:
            return
        name = data["order_by"][0]
        in_time = "due" in data or data.get("state") in LATER
        if name != "inserted_at" and not (name == "scheduled_at" and in_time):
            expected = f"by inserted_at with this filter, or by scheduled_at with due or the state {' or '.join(LATER)}"
            raise ValidationError(f"must be {expected}, got {name}", "order_by")
        if data["offset"]:
            raise ValidationError(f"must be absent with this filter, got {data['offset']}", "offset")


def filter_of(query: dict[str, Any]) -> JobFilter:
    due_by = clock.now() if query.get("due") else None
    return JobFilter(**{name: query[name] for name in JobFilter._fields if name in query}, due_by=due_by)
