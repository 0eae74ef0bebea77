"""Reads for how long an order is taken once, and by what two orders are the same: a key, or their content.

Pure. Two orders have the same content when the same request would be sent: method, URL, headers and body. Headers that
differ from one sending to the next although the order is the same do not count.
"""

import hashlib
from collections.abc import Sequence
from typing import Any

from marshmallow import ValidationError

from api.requests.fields import shown
from api.requests.job_values import A_DURATION, DURATION_FORM, is_printable
from api.requests.text_forms import printable_form
from models.jobs.job_json import compact
from models.jobs.job_store import DedupWindow
from models.rules import times
from models.rules.clock import DAY, MINUTE, SECOND
from models.rules.query_strings import with_query

MAX_KEY_CHARS = 255
LONGEST_DAYS = 30
DEFAULT_US = 10 * MINUTE
A_DEDUP = 'an object such as {"key": "x", "for": "10m"} or {"content": true, "for": "10m"}'
A_KEY = f"a string of 1 to {MAX_KEY_CHARS} printable characters"
A_WINDOW = f"a duration from 1 second to {LONGEST_DAYS} days, such as 600 or 10m"
VOLATILE = {
    *("traceparent", "tracestate", "baggage", "b3", "x-b3-traceid", "x-b3-spanid", "x-b3-parentspanid", "x-b3-sampled"),
    *("x-request-id", "request-id", "x-correlation-id", "correlation-id", "x-amzn-trace-id", "x-cloud-trace-context"),
    *("date", "user-agent", "webhook-id", "webhook-timestamp", "webhook-signature"),
}

HAS_KEY = {"properties": {"key": {}}, "required": ["key"]}
HAS_CONTENT = {"properties": {"content": {}}, "required": ["content"]}
DEDUP_FORM = {
    "type": "object",
    "properties": {
        "key": printable_form(MAX_KEY_CHARS),
        "content": {"type": "boolean", "enum": [True]},
        "for": DURATION_FORM,
    },
    "if": {"type": "object", **HAS_KEY},  # null is neither
    "then": {"not": HAS_CONTENT},
    "else": HAS_CONTENT,
    "additionalProperties": False,
}


def read_dedup(value: Any) -> tuple[str | None, int]:
    """The key, None for the content; and the length of the window in microseconds."""
    if not isinstance(value, dict):
        raise ValueError
    unknown = {name: ["unknown field"] for name in value if name not in ("key", "content", "for")}
    if unknown:
        raise ValidationError(unknown)
    if ("key" in value) == ("content" in value):
        how_many = "both" if "key" in value else "neither"
        raise ValidationError({"key": [f"must be given, or content, got {how_many}"]})
    if value.get("content", True) is not True:
        raise ValidationError({"content": [f"must be true, got {shown(value['content'])}"]})
    return (_key(value["key"]) if "key" in value else None), _window(value.get("for"))


def window_of(values: dict[str, Any], body: bytes | None, content_type: str | None) -> DedupWindow | None:
    """The window of a checked order; None when it may be taken any number of times."""
    if values.get("dedup") is None:
        return None
    key, for_us = values["dedup"]
    named = ["content", *_content(values, body, content_type)] if key is None else ["key", key]
    return DedupWindow(hashlib.sha256(compact(named).encode()).hexdigest(), for_us)


def window_of_set(dedup: tuple[str | None, int], windows: Sequence[DedupWindow]) -> DedupWindow:
    """The window of an order that makes several jobs at once, from theirs: its content is all that it would send."""
    key, for_us = dedup
    if key is not None or len(windows) == 1:
        return windows[0]
    named = ["set", *sorted(window.digest for window in windows)]
    return DedupWindow(hashlib.sha256(compact(named).encode()).hexdigest(), for_us)


def _content(values: dict[str, Any], body: bytes | None, content_type: str | None) -> list[Any]:
    headers = {name.lower(): str(value) for name, value in (values.get("headers") or {}).items()}
    counted = sorted((name, value) for name, value in headers.items() if name not in VOLATILE)
    digest = None if body is None else hashlib.sha256(body).hexdigest()
    return [
        values.get("method") or "get",
        with_query(values["url"], values.get("query")),
        counted,
        content_type,
        digest,
    ]


def _key(value: Any) -> str:
    if not isinstance(value, str) or not 1 <= len(value) <= MAX_KEY_CHARS or not is_printable(value):
        raise ValidationError({"key": [f"must be {A_KEY}, got {shown(value)}"]})
    return value


def _window(value: Any) -> int:
    """Microseconds."""
    if value is None:
        return DEFAULT_US
    try:
        window = times.parse_duration(value)
    except (ValueError, TypeError, ArithmeticError, LookupError):
        raise ValidationError({"for": [f"must be {A_DURATION}, got {shown(value)}"]}) from None
    if not SECOND <= window <= LONGEST_DAYS * DAY:
        raise ValidationError({"for": [f"must be {A_WINDOW}, got {shown(value)}"]})
    return window
