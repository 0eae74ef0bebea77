"""Writes jobs with the members that a request asks for by `expand`; without it they have the keys of the contract."""

from collections.abc import Collection, Sequence

from marshmallow import fields

from api.responses import schemas
from api.responses.attempts import Attempt, attempt
from api.responses.schemas import EXPANDED
from models.jobs import job_json, replays
from models.jobs.job_json import compact
from models.jobs.job_store import JobRow
from models.jobs.searches import last_attempts

LAST_ATTEMPT, REPLAYS = "last_attempt", "replays"
EXPANSIONS = (LAST_ATTEMPT, REPLAYS)


class ExpandedJob(schemas.Job):
    """The members behind those of a job are there with `expand`."""

    last_attempt = fields.Nested(
        Attempt,
        allow_none=True,
        metadata={EXPANDED: LAST_ATTEMPT, "description": "Null before the first ended."},
    )
    replay_of = fields.UUID(
        allow_none=True, metadata={EXPANDED: REPLAYS, "description": "The job whose request it repeats."}
    )
    replays = fields.List(
        fields.UUID(), metadata={EXPANDED: REPLAYS, "description": "The jobs that repeat its request."}
    )


def texts(account_id: int, user_id: str, rows: Sequence[JobRow], expand: Collection[str]) -> list[str]:
    """Each job as JSON."""
    members: dict[int, dict[str, str]] = {row.id: {} for row in rows}
    if LAST_ATTEMPT in expand and rows:
        last = last_attempts.of_jobs(list(members))
        for job_id, more in members.items():
            more["last_attempt"] = compact(attempt(last[job_id]) if job_id in last else None)
    if REPLAYS in expand and rows:
        links = replays.links_of(account_id, list(members))
        for job_id, more in members.items():
            link = links.get(job_id, replays.Links())
            more |= {"replay_of": compact(link.replay_of), "replays": compact(link.replays)}
    return [job_json.with_members(job_json.job(row, user_id), members[row.id]) for row in rows]
