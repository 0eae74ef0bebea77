"""Callbacks and events on their whole way: from a job's end to the receiver's hands, over real sockets."""

import json

from models import clock
from models.job import Job
from tests.making import make_job
from tests.workers.test_embedded import embedded, wait_for  # noqa: F401 - a fixture


def arrived(receiver, path):
    return [json.loads(arrival.body) for arrival in receiver.arrivals if arrival.path == path]


def test_a_job_with_callback_and_webhook_is_told_of_from_start_to_end(account, embedded, receiver):  # noqa: F811
    notify = {"callback": f"{receiver.url}/callback", "webhook": f"{receiver.url}/events"}
    job = make_job(account, url=f"{receiver.url}/job", notify=json.dumps(notify))
    wait_for(lambda: Job.select().where(Job.state != "completed").count() == 0 and len(receiver.arrivals) == 6)
    [callback] = arrived(receiver, "/callback")
    assert (callback["job"]["id"], callback["response"]["status"]) == (job.uuid, 200)
    told = [event["type"] for event in arrived(receiver, "/events")]
    assert told == ["job.started", "job.request", "job.response", "job.finished"]


def test_events_that_are_not_accepted_do_not_hold_up_the_next(account, embedded, receiver):  # noqa: F811
    notify = json.dumps({"webhook": f"{receiver.url}/status/500"})
    make_job(account, url=f"{receiver.url}/job", notify=notify)
    wait_for(lambda: len(arrived(receiver, "/status/500")) == 4)
    told = [event["type"] for event in arrived(receiver, "/status/500")]
    assert told == ["job.started", "job.request", "job.response", "job.finished"]
    wait_for(lambda: Job.select().where(Job.state == "retryable", Job.scheduled_at > clock.now()).count() == 4)
