"""Defines the fields of a job, which POST and PATCH /jobs and /schedules share, and the rules for several of them."""

from typing import Any

from marshmallow import ValidationError, post_load, validates_schema

from api.requests.fields import Must, choice, text, whole
from api.requests.flow_fields import A_FLOW, A_LANE, FLOW_FORM, LANE_FORM, read_flow, read_lane
from api.requests.job_requests import JobRequest
from api.requests.job_values import (
    A_BASE64,
    A_DURATION,
    A_KEY,
    A_METHOD,
    A_TIMEOUT,
    A_URL,
    AN_INSTANT,
    DURATION_FORM,
    HEADERS_FORM,
    INSTANT_FORM,
    KEY_FORM,
    LABELS,
    LABELS_FORM,
    METHOD_FORM,
    TARGET_URL_FORM,
    ack_form,
    read_ack_within,
    read_base64,
    read_headers,
    read_key,
    read_labels,
    read_max_age,
    read_method,
    read_query,
    read_schedule_in,
    read_scheduled_at,
    read_target,
    read_timeout,
    timeout_form,
)
from api.requests.options.dedup import A_DEDUP, DEDUP_FORM, read_dedup
from api.requests.options.group import A_GROUP, GROUP_FORM, read_group
from api.requests.options.judging import STATUSES, STATUSES_FORM, SUCCESS, SUCCESS_FORM, read_stop_on, read_success
from api.requests.options.policies import BACKOFF, BACKOFF_FORM, REDACT_FORM, read_backoff, read_redact
from api.requests.reading.body import Fields
from api.requests.reading.strict_schema import Strict
from api.requests.schedule_fields import FREQUENCY, RecurringFields
from api.requests.text_forms import BASE64_FORM
from models.rules.query_strings import with_query
from models.rules.url_rules import MAX_URL_CHARS
from models.webhooks.notifications import AFTER_EACH

AT_THE_END = "end"
NOT_CHANGED = (*RecurringFields().fields, "idempotency_key", "dedup", "flow", "lane", "group")


class RequestFields(Strict):
    """What is sent, when, and how often it is tried: what a new job and a retry have in common."""

    method = Must(A_METHOD, read_method, METHOD_FORM)
    url = Must(A_URL, read_target, TARGET_URL_FORM)
    query = Must("an object", read_query, "object", allow_none=True)
    body = Must("any JSON value", lambda value: value, allow_none=True)
    body_base64 = Must(A_BASE64, read_base64, BASE64_FORM, allow_none=True)
    headers = Must("an object of names and strings", read_headers, HEADERS_FORM, allow_none=True)
    schedule_in = Must(A_DURATION, read_schedule_in, DURATION_FORM, allow_none=True)
    scheduled_at = Must(AN_INSTANT, read_scheduled_at, INSTANT_FORM, allow_none=True)
    max_attempts = whole(1, 100, allow_none=True)

    @validates_schema(skip_on_field_errors=False)
    def check_one_time(self, data: dict[str, Any], **_: Any) -> None:
        if data.get("schedule_in") is not None and data.get("scheduled_at") is not None:
            raise ValidationError("must be absent when schedule_in is given, got both", "scheduled_at")

    @validates_schema(skip_on_field_errors=False, pass_original=True)
    def check_one_body(self, data: dict[str, Any], sent: dict[str, Any], **_: Any) -> None:  # noqa: ARG002
        if sent.get("body") is not None and sent.get("body_base64") is not None:
            raise ValidationError("must be absent when body is given, got both", "body_base64")


class JobFields(RequestFields, RecurringFields):
    """What POST /jobs takes."""

    group = Must(A_GROUP, read_group, GROUP_FORM, allow_none=True)
    idempotency_key = Must(A_KEY, read_key, KEY_FORM, allow_none=True)
    dedup = Must(A_DEDUP, read_dedup, DEDUP_FORM, allow_none=True)
    name = text(255, allow_none=True)
    description = text(4096, allow_none=True)
    timeout = Must(A_TIMEOUT, read_timeout, timeout_form, allow_none=True)
    ack_within = Must(A_DURATION, read_ack_within, ack_form, allow_none=True)
    backoff = Must(BACKOFF, read_backoff, BACKOFF_FORM, allow_none=True)
    labels = Must(LABELS, read_labels, LABELS_FORM, allow_none=True)
    max_age = Must(A_DURATION, read_max_age, DURATION_FORM, allow_none=True)
    success = Must(SUCCESS, read_success, SUCCESS_FORM, allow_none=True)
    stop_on = Must(STATUSES, read_stop_on, STATUSES_FORM, allow_none=True)
    redact = Must('a list of header names and "body"', read_redact, REDACT_FORM, allow_none=True)
    flow = Must(A_FLOW, read_flow, FLOW_FORM, allow_none=True)
    lane = Must(A_LANE, read_lane, LANE_FORM, allow_none=True)
    callback_url = Must(A_URL, read_target, TARGET_URL_FORM, allow_none=True)
    callback = Must(A_URL, read_target, TARGET_URL_FORM, allow_none=True)
    callback_on = choice((AT_THE_END, AFTER_EACH), allow_none=True)
    failure_callback_url = Must(A_URL, read_target, TARGET_URL_FORM, allow_none=True)
    webhook_url = Must(A_URL, read_target, TARGET_URL_FORM, allow_none=True)
    webhook = Must(A_URL, read_target, TARGET_URL_FORM, allow_none=True)

    @validates_schema(skip_on_field_errors=False, pass_original=True)
    def check_one_target(self, data: dict[str, Any], sent: dict[str, Any], **_: Any) -> None:  # noqa: ARG002
        if sent.get("group") is None and "url" not in sent:
            raise ValidationError(f"must be {A_URL}, got nothing", "url")
        if sent.get("group") is not None and "url" in sent:
            raise ValidationError("must be absent when url is given, got both", "group")

    @validates_schema(skip_on_field_errors=False, pass_original=True)
    def check_dedup(self, data: dict[str, Any], sent: dict[str, Any], **_: Any) -> None:
        if data.get("dedup") is not None and any(sent.get(name) is not None for name in FREQUENCY):
            raise ValidationError("must be absent when the job recurs, got one", "dedup")

    @validates_schema(skip_on_field_errors=False)
    def check_aliases(self, data: dict[str, Any], **_: Any) -> None:
        both = [name for name in ("callback", "webhook") if data.get(name) and data.get(f"{name}_url")]
        if both:
            raise ValidationError({name: [f"must be absent when {name}_url is given, got both"] for name in both})

    @validates_schema(skip_on_field_errors=False, pass_original=True)
    def check_callback_on(self, data: dict[str, Any], sent: dict[str, Any], **_: Any) -> None:
        has_callback = sent.get("callback_url") is not None or sent.get("callback") is not None
        if data.get("callback_on") == AFTER_EACH and not has_callback:
            raise ValidationError("must be absent without callback_url, got one", "callback_on")

    @validates_schema(skip_on_field_errors=False)
    def check_whole_url(self, data: dict[str, Any], **_: Any) -> None:
        length = len(with_query(data.get("url", ""), data.get("query")))
        if length > MAX_URL_CHARS:
            raise ValidationError(f"must make a URL of at most {MAX_URL_CHARS} characters, got {length}", "query")

    @post_load(pass_original=True)
    def as_job_request(self, data: dict[str, Any], original: Fields, **_: Any) -> JobRequest:
        return JobRequest(data, original)


class JobChange(JobFields):
    """What PATCH /jobs/{id} takes, for the document: what is read are the fields after the change."""

    class Meta(Strict.Meta):
        exclude = NOT_CHANGED

    def __init__(self, **options: Any) -> None:
        super().__init__(partial=True, **options)


def refused_changes(sent: Fields) -> dict[str, list[str]]:
    """The errors of fields that a job keeps as they were ordered."""
    return {name: ["must be absent: a change leaves it as it is, got one"] for name in NOT_CHANGED if name in sent}
