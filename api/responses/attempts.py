"""Writes an attempt of a job as JSON, and describes it for OpenAPI."""

from typing import Any

from marshmallow import Schema, fields

from api.responses import schemas
from api.responses.timestamps import micros_utc
from models.jobs.records import AttemptRow


class Attempt(Schema):
    number = fields.Integer()
    started_at = schemas.instant()
    finished_at = schemas.instant()
    lateness_ms = fields.Float()
    outcome = fields.String(metadata={"enum": ["answered", "refused", "unreachable", "lost"]})
    status_code = fields.Integer(allow_none=True)
    reason = fields.String(allow_none=True)
    dns_ms = fields.Float(allow_none=True)
    connect_ms = fields.Float(allow_none=True)
    tls_ms = fields.Float(allow_none=True)
    first_byte_ms = fields.Float(allow_none=True)
    total_ms = fields.Float(allow_none=True)
    next_at = schemas.instant(allow_none=True)


def attempt(row: AttemptRow) -> dict[str, Any]:
    """An attempt: the columns of its row, times in milliseconds."""
    members = row._asdict() | {
        "started_at": micros_utc(row.started_at),
        "finished_at": micros_utc(row.finished_at),
        "next_at": micros_utc(row.next_at),
        "lateness_ms": row.lateness_us / 1000,
    }
    return {name: value for name, value in members.items() if name not in ("job_id", "lateness_us")}
