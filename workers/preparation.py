"""Owns how a claimed job becomes the request that is sent. Pure: no network, no database."""

import json
from typing import Any

from models import dynamic
from models.lifecycle import ClaimedJob
from models.moments import written
from models.queries import with_query
from workers.outbound import Request
from workers.outcome import Blocked


def prepare(job: ClaimedJob) -> Request:
    """The request of this attempt. What the client's headers say wins over ours, but for the `Booper-` ones."""
    args = json.loads(job.args)
    return Request(
        method=args.get("method", "get").upper(),
        url=with_query(args["url"], args.get("query")),
        headers=headers_of(job, args.get("headers") or {}),
        body=body_of(job),
        timeout_ms=job.timeout_ms,
        owner=job.account_id,
    )


def body_of(job: ClaimedJob) -> bytes | None:
    """The bytes to send: as they were ordered, but for an object that a schedule sends, which gets its dynamic fields.
    Raises Blocked when they make it too large."""
    if job.memory is None or job.content_type != "application/json" or not job.body:
        return job.body
    body = json.loads(job.body)
    if not isinstance(body, dict):
        return job.body
    previous = json.loads(job.memory.previous) if job.memory.previous else {}
    try:
        return dynamic.resolved(body, job.id, previous, json.loads(job.memory.state)).encode()
    except dynamic.TooLarge as error:
        raise Blocked("body_too_large", str(error)) from None


def headers_of(job: ClaimedJob, given: dict[str, Any]) -> dict[str, str]:
    """The client's headers and ours; `Idempotency-Key` is the same in every attempt of the job."""
    headers = {name: str(value) for name, value in given.items()}
    named = {name.lower() for name in headers}
    if job.content_type and "content-type" not in named:
        headers["Content-Type"] = job.content_type
    if "idempotency-key" not in named:
        headers["Idempotency-Key"] = job.uuid
    headers["Booper-Job-Id"] = job.uuid
    headers["Booper-Attempt"] = str(job.attempt)
    headers["Booper-Hop"] = str(job.hops + 1)
    headers["Booper-Scheduled-At"] = written(job.scheduled_at)
    return headers
