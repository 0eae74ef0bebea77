"""Makes the jobs that tell of something: their request, and the body of an event. Pure, but for new ids."""

from models.database.ids import new_id
from models.jobs import job_json
from models.jobs.job_kinds import EVENT
from models.jobs.job_store import NewJob
from models.rules.listener_urls import host_of
from models.rules.times import format_instant


def follow_up(account_id: int, hops: int, kind: str, url: str, body: str, now: int) -> NewJob:
    """A job that POSTs this JSON there now. `hops`: of the job that it follows."""
    return NewJob(
        account_id=account_id,
        args=args_for(url),
        body=body.encode(),
        content_type=job_json.JSON_TYPE,
        scheduled_at=now,
        host=host_of(url),
        hops=hops + 1,
        kind=kind,
    )


def event(account_id: int, hops: int, event_type: str, at: int, data: str, url: str, now: int) -> NewJob:
    """The job that carries an event of the instant `at`. `data` is JSON; the job's UUID is the event's id."""
    event_id = new_id()
    head = job_json.compact({"id": event_id, "type": event_type, "timestamp": format_instant(at)})
    body = job_json.with_members(head, {"data": data})
    return follow_up(account_id, hops, EVENT, url, body, now)._replace(uuid=event_id)


def args_for(url: str) -> str:
    """The request of a follow-up to this URL, without its body."""
    return job_json.compact({"method": "post", "url": url})
