"""How much of a job's own body its callbacks and events show."""

import json

import pytest

from models.jobs.job_tables import Job
from models.operations import cancelling
from models.rules import clock
from models.webhooks.notifications import MAX_BODY_BYTES
from tests.support.rows import make_job

NOTIFY = {"callback": "http://hooks.example/callback", "webhook": "http://hooks.example/events"}


def shown_body(kind):
    [follow_up] = Job.select().where(Job.kind == kind)
    body = json.loads(follow_up.body)
    args = (body["job"] if kind == "callback" else body["data"]["job"])["args"]
    return args.get("body"), args.get("body_left_out", False)


@pytest.mark.parametrize("kind", ["callback", "event"])
@pytest.mark.parametrize(("beyond", "is_left_out"), [(0, False), (1, True)])
def test_a_body_is_left_out_when_it_is_longer_than_sixteen_kibibytes(account, kind, beyond, is_left_out):
    assert MAX_BODY_BYTES == 16 * 1024
    body = "x" * (MAX_BODY_BYTES + beyond)
    job = make_job(account, notify=json.dumps(NOTIFY), body=body.encode(), content_type="text/plain")

    cancelling.cancel(account.id, job.id, clock.now())

    assert shown_body(kind) == ((None, True) if is_left_out else (body, False))
