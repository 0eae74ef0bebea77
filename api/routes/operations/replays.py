"""Serves /jobs/{id}/retry: a new job with the request of an old one, as it was or with other fields."""

import json
from typing import Any

from flask import Response

from api.auth import caller
from api.blueprint import Blueprint
from api.request_log import name_job
from api.requests.hops import hops
from api.requests.idempotency import KEY_PARAMETER, respond_once
from api.requests.ids import job_in_path
from api.requests.job_fields import RequestFields
from api.requests.job_requests import BODIES, DEFAULTS, JobRequest, body_of, due_at
from api.requests.reading.body import load_optional_with_fields
from api.responses import expanded_jobs, schemas, serializers
from api.responses.expanded_jobs import REPLAYS, ExpandedJob
from api.responses.responses import invalid, not_found
from models.jobs import job_store, replays
from models.jobs.job_store import NewJob
from models.rules.listener_urls import host_of
from models.rules.query_strings import with_query
from models.rules.url_rules import MAX_URL_CHARS

blueprint = Blueprint("replays", __name__, description="Jobs that are run again.")

IN_ARGS = ("method", "url", "headers", "query", "max_attempts", "schedule_in", "scheduled_at")


class RetryFields(RequestFields):
    """What POST /jobs/{id}/retry takes; what is left out stays as it was, null takes a field away."""


@blueprint.route("/jobs/<key>/retry", methods=["POST"])
@blueprint.doc(parameters=[KEY_PARAMETER], requestBody=schemas.body_of(RetryFields, required=False))
@blueprint.response(201, schemas.single(ExpandedJob), description="The new job, with replay_of and replays.")
def retry_job(key: str) -> Response:
    """Create a job with the request of this one and the fields that are sent, due now unless they say when."""
    job_id = job_store.id_of(caller().account_id, job_in_path(key))
    if job_id is None:
        raise not_found()
    changes = JobRequest(*load_optional_with_fields(RetryFields()))
    return respond_once(changes.sent, lambda now: _create(job_id, changes, now))


def _create(job_id: int, changes: JobRequest, now: int) -> tuple[int, str]:
    owner = caller()
    originals = replays.replayed(owner.account_id, [job_id], now)
    if not originals:
        raise invalid({"": ["must name a job of the kind request: callbacks, events and messages come with theirs"]})
    new = changed(originals[0][1], changes, now)
    [row] = replays.create([(job_id, new._replace(hops=max(new.hops, hops())))], now)
    name_job(row.id)
    [text] = expanded_jobs.texts(owner.account_id, owner.user_id, [row], (REPLAYS,))
    return 201, serializers.data(text)


def changed(old: NewJob, changes: JobRequest, now: int) -> NewJob:
    """The job with the fields that were sent; 422 if they make too long a URL with those that were not."""
    values, args = changes.values, _args(json.loads(old.args), changes)
    length = len(with_query(args["url"], args.get("query")))
    if length > MAX_URL_CHARS:
        raise invalid({"query": [f"must make a URL of at most {MAX_URL_CHARS} characters, got {length}"]})
    if "url" in values:
        old = old._replace(host=host_of(values["url"]))
    if "max_attempts" in values:
        old = old._replace(max_attempts=values["max_attempts"] or DEFAULTS["max_attempts"])
    if any(name in values for name in BODIES):
        body, content_type = body_of(changes)
        old = old._replace(body=body, content_type=content_type)
    return replays.rescheduled(old, args, due_at(changes, now))


def _args(args: dict[str, Any], changes: JobRequest) -> dict[str, Any]:
    """The request as it is echoed: each field that was sent in the place of the old one."""
    sent = {**changes.sent, **{name: changes.values[name] for name in ("method",) if name in changes.values}}
    named = {name: sent[name] for name in IN_ARGS if name in sent}
    kept = {
        name: value
        for name, value in args.items()
        if name not in named and not (name in BODIES and any(body in sent for body in BODIES))
    }
    return kept | {name: value for name, value in named.items() if value is not None}
