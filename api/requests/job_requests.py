"""Makes the row of a job from a checked request: when it is due, what is stored of it, and as which bytes.

Pure. A body is stored as the bytes that will be sent; everything else as the JSON the client sees again as `args`.
"""

import hashlib
import json
from collections.abc import Collection
from typing import Any, NamedTuple

from api.requests.options.dedup import window_of
from api.requests.reading.body import Fields
from models.jobs.job_json import BYTES_TYPE, JSON_TYPE, Sent, as_base64, compact
from models.jobs.job_kinds import GROUP, REQUEST
from models.jobs.job_store import NewJob
from models.rules.listener_urls import host_of
from models.webhooks.notifications import AFTER_EACH

TEXT_TYPE = "text/plain; charset=utf-8"
DEFAULTS = NewJob._field_defaults
JUDGING = ("success", "stop_on")
TIMES = ("schedule_in", "scheduled_at")
BODIES = ("body", "body_base64")


class JobRequest(NamedTuple):
    """A request for a job that may be stored: the fields as read, and as they were sent."""

    values: dict[str, Any]
    sent: Fields

    def __repr__(self) -> str:
        return f"JobRequest({', '.join(self.sent)})"  # the values may be secrets


def due_at(job_request: JobRequest, now: int) -> int:
    """When the job is due."""
    wait, at = job_request.values.get("schedule_in"), job_request.values.get("scheduled_at")
    if wait is not None:
        return now + int(wait)
    return now if at is None else max(now, int(at))


def new_job(
    job_request: JobRequest, account_id: int, scheduled_at: int, hops: int, traceparent: str | None = None
) -> NewJob:
    """The row of the job. `hops`: through how many jobs the request for it came. `traceparent`: in which trace."""
    values = job_request.values
    max_age = values.get("max_age")
    body, content_type = body_of(job_request)
    return NewJob(
        account_id=account_id,
        args=args_of(job_request),
        body=body,
        content_type=content_type,
        scheduled_at=scheduled_at,
        name=values.get("name"),
        description=values.get("description"),
        idempotency_key=values.get("idempotency_key"),
        max_attempts=values.get("max_attempts") or DEFAULTS["max_attempts"],
        timeout_ms=values.get("timeout") or DEFAULTS["timeout_ms"],
        ack_within_us=values.get("ack_within"),
        host=host_of(values["url"]) if values.get("group") is None else "",
        kind=REQUEST if values.get("group") is None else GROUP,
        hops=hops,
        backoff=encode_or_none(values.get("backoff")),
        retry_until=None if max_age is None else scheduled_at + max_age,
        redact=encode_or_none(values.get("redact")),
        notify=encode_or_none(notify_of(values)),
        labels=tuple(values.get("labels") or ()),
        dedup=window_of(values, body, content_type),
        traceparent=traceparent,
        judging=encode_or_none({name: values[name] for name in JUDGING if values.get(name)}),
        gates=tuple(gate for name in ("flow", "lane") if (gate := values.get(name))),
    )


def notify_of(values: dict[str, Any]) -> dict[str, str]:
    """The addresses to notify of the job, and when, as models/webhooks/notifications.py takes them."""
    addresses = {
        "callback": values.get("callback_url") or values.get("callback"),
        "failure_callback": values.get("failure_callback_url"),
        "webhook": values.get("webhook_url") or values.get("webhook"),
        "callback_on": AFTER_EACH if values.get("callback_on") == AFTER_EACH else None,
    }
    return {name: url for name, url in addresses.items() if url}


def encode_or_none(value: Any) -> str | None:
    return compact(value) if value else None


def args_of(job_request: JobRequest) -> str:
    """The request as sent, the method in lower case, without its body unless that is null."""
    sent = {name: value for name, value in job_request.sent.items() if name not in BODIES or value is None}
    if "method" in sent:
        sent["method"] = job_request.values["method"]
    return compact(sent)


def body_of(job_request: JobRequest) -> tuple[bytes | None, str | None]:
    """(bytes to send, their content type): a text as it is, base64 as its bytes, anything else as the JSON the client
    wrote."""
    sent, data = job_request.sent, job_request.values.get("body_base64")
    if data is not None:
        return data, BYTES_TYPE
    body = sent.get("body")
    if body is None:
        return None, None
    if isinstance(body, str):
        return body.encode(), TEXT_TYPE
    return (sent.body_text or compact(body)).encode(), JSON_TYPE


def stored_fields(row: Sent, without: Collection[str] = ()) -> Fields:
    """The fields of a request as they were sent, from the row that keeps them."""
    fields = Fields({name: value for name, value in json.loads(row.args).items() if name not in without})
    if row.body is not None and row.content_type == BYTES_TYPE:
        fields["body_base64"] = as_base64(bytes(row.body))
    elif row.body is not None:
        text = bytes(row.body).decode()
        fields["body"], fields.body_text = (json.loads(text), text) if row.content_type == JSON_TYPE else (text, None)
    return fields


def overlaid(fields: Fields, sent: Fields) -> Fields:
    """The fields after a change, unchecked. Null in `sent` removes a field, and one form of a body the other."""
    replaced = BODIES if any(sent.get(name) is not None for name in BODIES) else ()
    kept = {name: value for name, value in fields.items() if name not in replaced}
    present = Fields({name: value for name, value in {**kept, **sent}.items() if value is not None})
    present.body_text = sent.body_text if "body" in sent else fields.body_text
    return present


def changed_job(row: Sent, sent: Fields) -> Fields:
    """The fields of a job after a change, unchecked. Another time replaces the one before, however that was given."""
    fields = stored_fields(row)
    fields.update((name, None) for name in TIMES if is_moved(sent) and name in fields)
    return overlaid(fields, sent)


def is_moved(sent: Fields) -> bool:
    """Whether a change gives the job another time; null means at once."""
    return any(name in sent for name in TIMES)


def fingerprint(sent: dict[str, Any]) -> str:
    """The same text for requests with equal fields, however these are written."""
    canonical = json.dumps(sent, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()
