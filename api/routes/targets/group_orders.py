"""Turns an order for a group into the jobs of its targets. It serves no route of its own."""

from marshmallow import ValidationError

from api.requests.fields import shown
from api.requests.hops import hops, traceparent
from api.requests.job_fields import JobFields
from api.requests.job_requests import JobRequest, new_job
from api.requests.new_schedule import recurs
from api.requests.options.dedup import window_of_set
from api.requests.reading.body import Fields
from api.requests.reading.strict_schema import flat
from api.responses.responses import invalid
from models.accounts import target_groups
from models.accounts.target_groups import Group, Target
from models.jobs.job_store import NewJob

job_fields = JobFields()


def group_of(account_id: int, name: str) -> Group:
    """The group that an order names; 422 when there is none."""
    group = target_groups.find(account_id, name)
    if group is None:
        raise invalid({"group": [f"must be the name of a group of this account, got {shown(name)}"]})
    return group


def check_group(job_request: JobRequest, account_id: int) -> None:
    """Answer 422 if the order names a group that the account has not."""
    name = job_request.values.get("group")
    if name is not None:
        group_of(account_id, name)


def is_for_group(job_request: JobRequest) -> bool:
    """Whether it makes a job for each target of a group now, and no schedule."""
    return job_request.values.get("group") is not None and not recurs(job_request)


def jobs_for(job_request: JobRequest, account_id: int, due: int) -> list[NewJob]:
    """A job for each target of the group that the order names, each checked as if it were ordered alone. The first has
    the window of all, if the order has one."""
    group, hop_count, trace = group_of(account_id, job_request.values["group"]), hops(), traceparent()
    new = [new_job(_request_for(job_request, target), account_id, due, hop_count, trace) for target in group.targets]
    windows = [job.dedup for job in new if job.dedup is not None]
    if not windows:
        return new
    return [new[0]._replace(dedup=window_of_set(job_request.values["dedup"], windows)), *new[1:]]


def _request_for(job_request: JobRequest, target: Target) -> JobRequest:
    sent = job_request.sent
    fields = Fields({name: value for name, value in sent.items() if name != "group"})
    fields.body_text = sent.body_text
    fields.update(target_groups.fields_for(target, sent))
    try:
        loaded: JobRequest = job_fields.load(fields)
    except ValidationError as error:
        (path, [message, *_]), *_ = flat(error.normalized_messages())
        raise invalid({"group": [f"must fit the order; of its target {target.name}, {path} {message}"]}) from None
    return loaded
