"""What requests may hold. docs/api.md says what each field means; the server checks them.

A `Span` is a length of time: seconds, a text as `1h30m`, a pair as `[5, "minutes"]`, or a timedelta. A `Moment` is a
datetime, a text as `2026-01-31T09:00:00Z`, or seconds since 1970.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Literal, TypedDict
from uuid import UUID

Span = float | str | Sequence[float | str] | timedelta
Moment = datetime | str | float
Method = Literal["get", "post", "put", "patch", "delete", "head", "options"]
State = Literal["available", "scheduled", "executing", "retryable", "completed", "discarded", "cancelled"]
Kind = Literal["request", "callback", "event", "channel", "group", "alert"]


class RequestFields(TypedDict, total=False):
    """The request that a job sends."""

    method: Method | str
    query: Mapping[str, Any] | None
    headers: Mapping[str, str] | None
    body: Any
    body_base64: str | None
    schedule_in: Span | None
    scheduled_at: Moment | None
    max_attempts: int | None


class _Options(RequestFields, total=False):
    name: str | None
    description: str | None
    timeout: float | str | None
    ack_within: Span | None
    backoff: Any
    success: Mapping[str, Any] | None
    stop_on: Sequence[int | str] | None
    max_age: Span | None
    labels: Sequence[str] | None
    redact: Sequence[str] | None
    callback_url: str | None
    callback_on: Literal["end", "attempt"] | None
    failure_callback_url: str | None
    webhook_url: str | None


class ChangeFields(_Options, total=False):
    """What may be changed of a job before its first attempt."""

    url: str


class RetryFields(RequestFields, total=False):
    """What takes the place of a field when a job is run again."""

    url: str


class _Orders(_Options, total=False):
    flow: Mapping[str, Any] | None
    lane: str | Mapping[str, Any] | None


class _Recurring(TypedDict, total=False):
    repeat_every: Span | None
    cron: str | None
    timezone: str | None
    overlap: Literal["skip", "queue_one", "allow"] | None
    misfire: Literal["once", "all", "skip"] | None
    catch_up_seconds: int | None
    jitter_seconds: int | None
    disable_after_failures: int | None
    starts_at: Moment | None
    until: Moment | None
    exclude: Sequence[str | Mapping[str, str]] | Mapping[str, Any] | None
    max_runs: int | None


class ScheduleFields(_Orders, _Recurring, total=False):
    """The fields of a schedule beside its `url` or `group`."""


class ScheduleChanges(ScheduleFields, total=False):
    """What may be changed of a schedule."""

    url: str | None
    group: str | None


class JobFields(ScheduleFields, total=False):
    """The fields of a job beside its `url` or `group`. Those of a schedule make one, whose first job is the answer."""

    idempotency_key: str | None
    dedup: Mapping[str, Any] | None


class JobFilters(TypedDict, total=False):
    """Which jobs."""

    state: State | str | None
    kind: Kind | str | None
    after: Moment | None
    before: Moment | None
    label: str | None
    host: str | None
    url: str | None
    path: str | None
    name: str | None
    schedule: str | None
    flow: str | None
    lane: str | None
    status_code: int | str | None
    reason: str | None
    scheduled_after: Moment | None
    scheduled_before: Moment | None
    failed_after: Moment | None
    failed_before: Moment | None
    replayed: bool | None
    due: Literal["overdue"] | None
    parent: str | int | None
    text: str | None


class BulkFilters(JobFilters, total=False):
    """Which jobs, also by their ids."""

    ids: Sequence[int | str | UUID] | None


class LogFilters(TypedDict, total=False):
    """Which log entries."""

    job_id: int | str | None
    event: str | None
    schedule_id: str | None


class EndpointChanges(TypedDict, total=False):
    """What may be changed of an endpoint. `types`: the events that it receives; None for all."""

    url: str
    types: Sequence[str] | None
    enabled: bool


class AlertFields(TypedDict, total=False):
    """The fields of an alert rule beside its `name` and `to`."""

    on: Sequence[str]
    scope: Mapping[str, Any]
    after: int
    share: float | None
    within: Span
    at_least: int
    late_after: Span
    long_after: Span
    silent_after: Span
    waiting_after: Span
    repeat_every: Span | None
    quiet: Mapping[str, str] | None
    enabled: bool
    muted_until: Moment | None


class AlertChanges(AlertFields, total=False):
    """What may be changed of an alert rule."""

    name: str
    to: Sequence[Mapping[str, str]]
