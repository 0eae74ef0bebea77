"""Serves /jobs/{id}/retry: a new job with the request of an old one, as it was or with other fields."""

import json
from typing import Any

from flask import Response
from marshmallow import ValidationError, post_load, validates_schema

from api.auth import caller
from api.blueprint import Blueprint
from api.request_log import name_job
from api.requests.body import Fields, load_optional
from api.requests.fields import Must, whole
from api.requests.hops import hops
from api.requests.idempotency import KEY_PARAMETER, respond_once
from api.requests.ids import job_in_path
from api.requests.job_requests import BODIES, DEFAULTS, JobRequest, body_of, due_at
from api.requests.job_values import (
    A_BASE64,
    A_DURATION,
    A_METHOD,
    A_URL,
    AN_INSTANT,
    DURATION_FORM,
    HEADERS_FORM,
    INSTANT_FORM,
    METHOD_FORM,
    URL_FORM,
    read_base64,
    read_headers,
    read_method,
    read_query,
    read_schedule_in,
    read_scheduled_at,
    read_url,
)
from api.requests.strict_schema import Strict
from api.responses import expanded_jobs, schemas, serializers
from api.responses.expanded_jobs import REPLAYS, ExpandedJob
from api.responses.responses import invalid, not_found
from models.jobs import job_store, replays
from models.jobs.job_store import NewJob
from models.rules.query_strings import with_query
from models.rules.url_rules import MAX_URL_CHARS, split_url

blueprint = Blueprint("replays", __name__, description="Jobs that are run again.")

IN_ARGS = ("method", "url", "headers", "query", "max_attempts", "schedule_in", "scheduled_at")


class RetryFields(Strict):
    """What POST /jobs/{id}/retry takes; what is left out stays as it was, null takes a field away."""

    method = Must(A_METHOD, read_method, METHOD_FORM)
    url = Must(A_URL, read_url, URL_FORM)
    query = Must("an object", read_query, "object", allow_none=True)
    body = Must("any JSON value", lambda value: value, allow_none=True)
    body_base64 = Must(A_BASE64, read_base64, {"type": "string", "format": "byte"}, allow_none=True)
    headers = Must("an object of names and strings", read_headers, HEADERS_FORM, allow_none=True)
    schedule_in = Must(A_DURATION, read_schedule_in, DURATION_FORM, allow_none=True)
    scheduled_at = Must(AN_INSTANT, read_scheduled_at, INSTANT_FORM, allow_none=True)
    max_attempts = whole(1, 100, allow_none=True)

    @validates_schema(skip_on_field_errors=False)
    def check_one_time(self, data: dict[str, Any], **_: Any) -> None:
        if data.get("schedule_in") is not None and data.get("scheduled_at") is not None:
            raise ValidationError("must be absent when schedule_in is given, got both", "scheduled_at")

    @validates_schema(skip_on_field_errors=False)
    def check_one_body(self, data: dict[str, Any], **_: Any) -> None:
        if data.get("body") is not None and data.get("body_base64") is not None:
            raise ValidationError("must be absent when body is given, got both", "body_base64")

    @post_load(pass_original=True)
    def as_job_request(self, data: dict[str, Any], original: Fields, **_: Any) -> dict[str, Any]:
        return {"changes": JobRequest(data, original)}


@blueprint.route("/jobs/<key>/retry", methods=["POST"])
@blueprint.doc(parameters=[KEY_PARAMETER], requestBody=schemas.body_of(RetryFields, required=False))
@blueprint.response(201, schemas.single(ExpandedJob), description="The new job, with replay_of and replays.")
def retry_job(key: str) -> Response:
    """Create a job with the request of this one and the fields that are sent, due now unless they say when."""
    job_id = job_store.id_of(caller().account_id, job_in_path(key))
    if job_id is None:
        raise not_found()
    changes: JobRequest = load_optional(RetryFields())["changes"]
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
        old = old._replace(host=split_url(values["url"]).host)
    if "max_attempts" in values:
        old = old._replace(max_attempts=values["max_attempts"] or DEFAULTS["max_attempts"])
    if any(name in values for name in BODIES):
        body, content_type = body_of(changes)
        old = old._replace(body=body, content_type=content_type)
    return replays.due_at(old, args, due_at(changes, now))


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
