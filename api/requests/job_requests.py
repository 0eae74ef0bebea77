"""Owns the step from a checked order to the row it becomes: what is kept of the request, and as which bytes.

Pure. A body is kept as the bytes that will be sent; everything else as the JSON the client sees again as `args`.
"""

import hashlib
import json
from typing import Any, NamedTuple

from api.requests.body import Fields
from models.jobs.job_json import compact
from models.jobs.job_store import NewJob
from models.rules.url_rules import split_url

JSON_TYPE = "application/json"
TEXT_TYPE = "text/plain; charset=utf-8"


class JobRequest(NamedTuple):
    """A request that may be stored: the fields as read, and as they were sent."""

    values: dict[str, Any]
    sent: Fields

    def __repr__(self) -> str:
        return f"Order({', '.join(self.sent)})"  # the values may be secrets


def new_job(order: JobRequest, account_id: int, due_at: int, hops: int) -> NewJob:
    """The row of an order. `hops`: through how many jobs of schedulers the order itself came."""
    values = order.values
    max_age = values.get("max_age")
    body, content_type = body_of(order.sent)
    return NewJob(
        account_id=account_id,
        args=args_of(order),
        body=body,
        content_type=content_type,
        scheduled_at=due_at,
        name=values.get("name"),
        description=values.get("description"),
        idempotency_key=values.get("idempotency_key"),
        max_attempts=values.get("max_attempts") or NewJob._field_defaults["max_attempts"],
        timeout_ms=values.get("timeout") or NewJob._field_defaults["timeout_ms"],
        host=split_url(values["url"]).host,
        hops=hops,
        backoff=encode_or_none(values.get("backoff")),
        retry_until=None if max_age is None else due_at + max_age,
        redact=encode_or_none(values.get("redact")),
        notify=encode_or_none(notify_of(values)),
        labels=tuple(values.get("labels") or ()),
    )


def notify_of(values: dict[str, Any]) -> dict[str, str]:
    """Whom a job's owner wants told of it, as models/webhooks/notifications.py takes it."""
    told = {
        "callback": values.get("callback_url") or values.get("callback"),
        "failure_callback": values.get("failure_callback_url"),
        "webhook": values.get("webhook_url") or values.get("webhook"),
    }
    return {name: url for name, url in told.items() if url}


def encode_or_none(value: Any) -> str | None:
    return compact(value) if value else None


def args_of(order: JobRequest) -> str:
    """The request as sent, the method in lower case, without its body unless that is null."""
    sent = {name: value for name, value in order.sent.items() if name != "body" or value is None}
    if "method" in sent:
        sent["method"] = order.values["method"]
    return compact(sent)


def body_of(sent: Fields) -> tuple[bytes | None, str | None]:
    """(bytes to send, their content type): a text as it is, anything else as the JSON the client wrote."""
    body = sent.get("body")
    if body is None:
        return None, None
    if isinstance(body, str):
        return body.encode(), TEXT_TYPE
    return (sent.body_text or compact(body)).encode(), JSON_TYPE


def fingerprint(sent: dict[str, Any]) -> str:
    """The same for requests with equal fields, however they are written."""
    canonical = json.dumps(sent, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()
