"""Serves /stats: what the overview of the dashboard shows."""

from typing import Any

from flask import Response
from marshmallow import Schema, fields

from api.auth import caller
from api.blueprint import Blueprint
from api.responses import schemas
from api.responses.responses import respond
from api.responses.timestamps import micros_utc
from models.operations import heartbeats, overview
from models.operations.heartbeats import Minute
from models.operations.overview import CAP, Upcoming
from models.rules import clock

blueprint = Blueprint("stats", __name__, description="Figures of an account and of the machinery.")

MINUTES = 60
UPCOMING = 20


class JobCounts(Schema):
    due = fields.Integer(metadata={"description": f"Their time has come. {CAP + 1} stands for more than {CAP}."})
    running = fields.Integer(metadata={"description": "Under way."})
    waiting = fields.Integer(metadata={"description": "Their time is to come."})
    failing = fields.Integer(metadata={"description": "Failed, and tried again."})


class MinuteStats(Schema):
    at = schemas.instant()
    completed = fields.Integer()
    failed = fields.Integer()
    lateness_p50_ms = fields.Float(allow_none=True, metadata={"description": "Null: nothing was attempted."})
    lateness_p99_ms = fields.Float(allow_none=True)


class Queue(Schema):
    ready = fields.Integer(allow_none=True, metadata={"description": "Messages. Null: not measured yet."})
    delayed = fields.Integer(allow_none=True)
    dead = fields.Integer(allow_none=True)


class Workers(Schema):
    running = fields.Integer(metadata={"description": "Processes that send."})
    slots = fields.Integer()
    slots_in_use = fields.Integer()


class NextJob(Schema):
    id = fields.UUID()
    job_id = fields.Integer()
    name = fields.String(allow_none=True)
    state = fields.String()
    scheduled_at = schemas.instant()


class Stats(Schema):
    jobs = fields.Nested(JobCounts)
    minutes = fields.List(fields.Nested(MinuteStats), metadata={"description": "The last hour, oldest first."})
    queue = fields.Nested(Queue)
    workers = fields.Nested(Workers)
    next_jobs = fields.List(fields.Nested(NextJob), metadata={"description": "Soonest first."})


@blueprint.route("/stats", methods=["GET"])
@blueprint.response(200, schemas.single(Stats))
def get_stats() -> Response:
    """Counts of jobs, the attempts of the last hour, the queue and the workers, and the next jobs."""
    now, account_id = clock.now(), caller().account_id
    data = {
        "jobs": overview.counts(account_id, now)._asdict(),
        "minutes": [_minute(minute) for minute in heartbeats.minutes(account_id, now, MINUTES)],
        "queue": _queue(),
        "workers": _workers(now),
        "next_jobs": [_next_job(job) for job in overview.upcoming(account_id, UPCOMING)],
    }
    return respond({"data": data})


def _minute(minute: Minute) -> dict[str, Any]:
    lateness = {"lateness_p50_ms": minute.p50_us, "lateness_p99_ms": minute.p99_us}
    return {
        "at": micros_utc(minute.minute_at),
        "completed": minute.completed,
        "failed": minute.failed,
        **{name: None if value is None else value / 1000 for name, value in lateness.items()},
    }


def _queue() -> dict[str, Any]:
    depths, names = heartbeats.depths(), ("ready", "delayed", "dead")
    return {name: depths and getattr(depths, name) for name in names}


def _workers(now: int) -> dict[str, int]:
    alive = heartbeats.alive(heartbeats.workers(), now)
    slots, in_use = sum(row.slots for row in alive), sum(row.slots_in_use for row in alive)
    return {"running": len(alive), "slots": slots, "slots_in_use": in_use}


def _next_job(job: Upcoming) -> dict[str, Any]:
    return {
        "id": job.uuid,
        "job_id": job.id,
        "name": job.name,
        "state": job.state,
        "scheduled_at": micros_utc(job.scheduled_at),
    }
