"""Writes a job as JSON for the API, for callbacks and for events: the exact keys, the forms of timestamps. Pure.

A row in, JSON text out. What a client sent is put in as text, not parsed and encoded again.
"""

import base64
import json
from typing import Protocol

import orjson

from models.jobs.job_store import JobRow
from models.rules.times import format_seconds, instant_or_none

JSON_TYPE = "application/json"
BYTES_TYPE = "application/octet-stream"  # of a body that was ordered as base64
compact = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
"""JSON without spaces. A single encoder, since making an encoder for each text costs as much as a short text."""


class Sent(Protocol):
    """A row that keeps a request as it was sent: a job's or a schedule's; see models/jobs/job_tables.py for each
    column."""

    @property
    def args(self) -> str: ...
    @property
    def body(self) -> bytes | None: ...
    @property
    def content_type(self) -> str | None: ...


def job(row: JobRow, user_id: str, has_conflict: bool = False) -> str:
    """A job: ten outer and nine inner keys."""
    outer = {
        "id": row.uuid,
        "idempotency_key": row.idempotency_key,
        "inserted_at": format_seconds(row.inserted_at),
        "name": row.name,
        "description": row.description,
        "user_id": user_id,
        "schedule_id": row.schedule_id,
        "job_id": row.id,
        "job": {
            "attempted_at": instant_or_none(row.attempted_at),
            "cancelled_at": instant_or_none(row.cancelled_at),
            "completed_at": instant_or_none(row.completed_at),
            "discarded_at": instant_or_none(row.discarded_at),
            "has_confict": has_conflict,  # spelled so in the original
            "id": row.id,
            "inserted_at": instant_or_none(row.inserted_at),
            "scheduled_at": instant_or_none(row.scheduled_at),
            "state": row.state,
        },
    }
    return with_member(orjson.dumps(outer).decode(), "args", args(row))


def args(row: Sent) -> str:
    """The request as the client sent it, its body included."""
    if row.body is None:
        return row.args
    if row.content_type == BYTES_TYPE:
        return with_member(row.args, "body_base64", compact(as_base64(row.body)))
    text = row.body.decode()
    return with_member(row.args, "body", text if row.content_type == JSON_TYPE else compact(text))


def as_base64(body: bytes) -> str:
    return base64.b64encode(body).decode()


def with_member(json_object: str, name: str, json_value: str) -> str:
    """A JSON object's text with one more member, whose value is JSON text."""
    comma = "" if json_object == "{}" else ","
    return f"{json_object[:-1]}{comma}{compact(name)}:{json_value}}}"


def with_members(json_object: str, members: dict[str, str]) -> str:
    """A JSON object's text with more members, by name."""
    for name, value in members.items():
        json_object = with_member(json_object, name, value)
    return json_object
