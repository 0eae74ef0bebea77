"""Makes the jobs of a schedule that names a group: one for each target that the group has when the instant comes.

The schedule's own job of the instant, of the kind `group`, sends no request. Its attempt is the making of the set, of
which it is the parent. What was made before a crash is not made again: the UUID of each job follows from its parent's
and from the name of its target.
"""

from typing import Any
from uuid import NAMESPACE_OID, uuid5

from models.accounts import target_groups
from models.accounts.target_groups import Target
from models.jobs import job_store
from models.jobs.job_json import compact
from models.jobs.job_store import NewJob
from models.jobs.lifecycle import ClaimedJob
from models.jobs.replays import NOT_REPLAYED
from models.rules import clock
from models.rules.listener_urls import host_of
from workers.delivery.render import arguments_of, body_of
from workers.transport.outcome import Answered, Outcome, Refused, Timings

MADE = 200
KEPT = (  # fields that each job of the set has from the job that makes it
    *("schedule_id", "hops", "max_attempts", "timeout_ms", "ack_within_us", "backoff", "retry_until", "redact"),
    *("judging", "notify", "flow_id", "lane_id"),
)


def make(job: ClaimedJob) -> Outcome:
    """Make the set of this job, and return what counts as the answer to it. Raises Blocked when dynamic fields make
    the body too large."""
    group = target_groups.find(job.account_id, arguments_of(job)["group"])
    if group is None:
        return Refused("no_group", "the group of its order was deleted")
    body, began_at = body_of(job), clock.now()
    job_store.create_many([_job_for(job, target, body, began_at) for target in group.targets], began_at)
    return Answered(MADE, [], b"", False, Timings(total_ms=(clock.now() - began_at) / clock.MILLISECOND))


def _job_for(job: ClaimedJob, target: Target, body: bytes | None, now: int) -> NewJob:
    args = _arguments(arguments_of(job), target)
    return NewJob(
        account_id=job.account_id,
        args=compact(args),
        body=body,
        content_type=job.content_type,
        scheduled_at=now,
        name=args["name"],
        description=args.get("description"),
        host=host_of(target.url),
        labels=tuple(args.get("labels") or ()),
        parent_id=job.id,
        uuid=str(uuid5(NAMESPACE_OID, f"booper {job.uuid} {target.name}")),
        **{name: getattr(job, name) for name in KEPT},
    )


def _arguments(ordered: dict[str, Any], target: Target) -> dict[str, Any]:
    """The fields of the order as the job of this target shows them."""
    kept = {name: value for name, value in ordered.items() if name not in (*NOT_REPLAYED, "group")}
    return kept | target_groups.fields_for(target, kept)
