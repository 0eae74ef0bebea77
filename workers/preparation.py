"""Owns how a claimed job becomes the request that is sent. Pure: no network, no database."""

import json
from typing import Any

from models.lifecycle import ClaimedJob
from models.moments import written
from models.queries import with_query
from workers.outbound import Request


def prepare(job: ClaimedJob) -> Request:
    """The request of this attempt. What the client's headers say wins over ours, but for the `Booper-` ones."""
    args = json.loads(job.args)
    return Request(
        method=args.get("method", "get").upper(),
        url=with_query(args["url"], args.get("query")),
        headers=headers_of(job, args.get("headers") or {}),
        body=job.body,
        timeout_ms=job.timeout_ms,
        owner=job.account_id,
    )


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
