"""How jobs and schedules are given to an assistant: lists in short, headers without their secrets."""

from collections.abc import Iterable
from itertools import islice
from typing import Annotated, Any

from pydantic import Field

from booper_client.masking import masked
from booper_client.models.jobs import Job
from booper_client.models.model import Model
from booper_client.models.schedules import Schedule

Document = dict[str, Any]
Limit = Annotated[int, Field(ge=1, le=100, description="How many at most.")]


def full(model: Model) -> Document:
    """The object as the API wrote it; secret headers are hidden."""
    args = model.raw.get("args")
    if not isinstance(args, dict) or not isinstance(args.get("headers"), dict):
        return model.raw
    return {**model.raw, "args": {**args, "headers": masked(args["headers"])}}


def listed(items: Iterable[Document], limit: int) -> Document:
    """The first items, and whether there are more."""
    taken = list(islice(items, limit + 1))
    return {"items": taken[:limit], "more": len(taken) > limit}


def job_in_short(job: Job) -> Document:
    fields = {
        "id": job.id,
        "number": job.job_id,
        "state": job.state,
        "kind": job.kind,
        "method": job.method,
        "url": job.url,
        "name": job.name,
        "labels": job.args.get("labels"),
        "scheduled_at": job.raw["job"]["scheduled_at"],
        "last_attempt": job.raw.get("last_attempt"),
    }
    return {name: value for name, value in fields.items() if value is not None}


def schedule_in_short(schedule: Schedule) -> Document:
    fields = {
        "id": schedule.id,
        "key": schedule.key,
        "enabled": schedule.enabled,
        "name": schedule.name,
        "frequency": schedule.frequency,
        "method": schedule.args.get("method"),
        "url": schedule.args.get("url"),
        "group": schedule.args.get("group"),
        "health": schedule.raw.get("health"),
    }
    return {name: value for name, value in fields.items() if value is not None}
