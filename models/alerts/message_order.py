"""Keeps the messages of an incident to one target in order: each waits until the one before it has ended.

Otherwise an end would overtake a beginning that is tried again, and PagerDuty would keep an incident that nothing ends.
The ticker releases what waits. A message waits for one other at a time (`after_uuid`), though each of its incidents may
have one that has not ended: when that one ends, it waits for the next.
"""

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import NamedTuple

from models.database.sql import any_of, fetch
from models.jobs import staging
from models.jobs.job_kinds import ALERT
from models.jobs.job_store import NewJob
from models.jobs.states import LIVE, in_states
from models.rules.clock import DAY

HELD_US = 30 * DAY  # longer than a message is tried
RELEASED_AT_ONCE = 1000
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


def release_next_messages(_now: int) -> int:
    """Release the messages for which no earlier one is left to wait for; let the others wait for one that is."""
    ids = _behind_ended()
    before = _still_before(ids)
    staging.wait_behind(list(before), list(before.values()))
    return staging.release_events([each for each in ids if each not in before])


def _behind_ended() -> list[int]:
    """The messages that wait for one that has ended, or is gone."""
    sql = (
        "SELECT later.id FROM job AS later LEFT JOIN job AS earlier ON earlier.uuid = later.after_uuid "
        f"WHERE later.after_uuid IS NOT NULL AND later.kind = '{ALERT}' "
        f"AND (earlier.id IS NULL OR NOT {in_states(LIVE, 'earlier')}) "
        # The sign keeps SQLite from reading all jobs in the order of their ids instead of the few that wait.
        f"ORDER BY +later.id LIMIT {RELEASED_AT_ONCE}"
    )
    return [row[0] for row in fetch(sql, ())]


def _still_before(ids: Sequence[int]) -> dict[int, str]:
    """By the ids of those messages that still have to wait: the uuid of the latest earlier one about any of their
    incidents to the same target that has not ended."""
    if not ids:
        return {}
    these, params = any_of("mine.job_id", ids)
    rows = fetch(
        "SELECT mine.job_id, later.args, earlier.uuid, earlier.args FROM notification AS mine "
        "JOIN notification AS other ON other.incident_id = mine.incident_id AND other.job_id < mine.job_id "
        "JOIN job AS later ON later.id = mine.job_id JOIN job AS earlier ON earlier.id = other.job_id "
        f"WHERE {these} AND {in_states(LIVE, 'earlier')} ORDER BY earlier.id",
        (params,),
    )
    return {
        job_id: str(uuid)
        for job_id, args, uuid, earlier_args in rows
        if json.loads(args)[TARGET] == json.loads(earlier_args)[TARGET]
    }
