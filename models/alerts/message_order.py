"""Keeps the messages of an incident to one target in order: each waits until the one before it has ended.

Otherwise an end would overtake a beginning that is tried again, and PagerDuty would keep an incident that nothing ends.
The ticker releases what waits, as it does with events (`models/webhooks/event_order.py`).
"""

import json
from collections.abc import Collection, Iterable, Mapping
from typing import NamedTuple

from models.database.sql import any_of, fetch
from models.jobs.job_store import NewJob
from models.jobs.states import LIVE, in_states
from models.rules.clock import DAY

HELD_US = 30 * DAY  # longer than a message is tried
TARGET = "target"  # in the arguments of the job


class Earlier(NamedTuple):
    """A message that has not ended."""

    job_id: int
    uuid: str


Unfinished = Mapping[tuple[int, int], Earlier]


def unfinished(incident_ids: Collection[int]) -> Unfinished:
    """The latest message of each incident to each target, by the ids of both, where it has not ended."""
    these, params = any_of("incident_id", sorted(incident_ids))
    rows = fetch(
        "SELECT incident_id, job.id, job.uuid, job.args FROM notification JOIN job ON job.id = job_id "
        f"WHERE {these} AND {in_states(LIVE, 'job')} ORDER BY job.id",
        (params,),
    )
    return {
        (incident_id, json.loads(args)[TARGET]): Earlier(job_id, str(uuid)) for incident_id, job_id, uuid, args in rows
    }


def behind(job: NewJob, target_id: int, incident_ids: Iterable[int], earlier: Unfinished, now: int) -> NewJob:
    """The job of a message about these incidents. It waits for the latest one about any of them that has not ended."""
    before = [earlier[key] for each in incident_ids if (key := (each, target_id)) in earlier]
    return after(job, max(before).uuid, now) if before else job


def after(job: NewJob, uuid: str, now: int) -> NewJob:
    """The job, which waits until the one with this id has ended."""
    return job._replace(after_uuid=uuid, held_until=now + HELD_US)
