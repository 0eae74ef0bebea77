"""Callbacks and events on their whole way: from a job's end to the receiver's hands, over real sockets."""

import json

from models.jobs.job_tables import Job, LogEntry
from models.rules import clock
from models.webhooks import channels
from tests.support.rows import make_job
from tests.support.waiting import wait_until


def bodies_at(receiver, path):
    return [json.loads(arrival.body) for arrival in receiver.arrivals if arrival.path == path]


def test_a_job_with_callback_and_webhook_sends_all_notifications(account, embedded, receiver):  # noqa: F811
    """A job with callback and webhook is told of from start to end."""
    notify = {"callback": f"{receiver.url}/callback", "webhook": f"{receiver.url}/events"}
    job = make_job(account, url=f"{receiver.url}/job", notify=json.dumps(notify))
    wait_until(lambda: Job.select().where(Job.state != "completed").count() == 0 and len(receiver.arrivals) == 6)
    [callback] = bodies_at(receiver, "/callback")
    assert (callback["job"]["id"], callback["response"]["status"]) == (job.uuid, 200)
    types = [event["type"] for event in bodies_at(receiver, "/events")]
    assert types == ["job.started", "job.request", "job.response", "job.finished"]


def test_events_that_are_not_accepted_do_not_hold_up_the_next(account, embedded, receiver):  # noqa: F811
    notify = json.dumps({"webhook": f"{receiver.url}/status/500"})
    make_job(account, url=f"{receiver.url}/job", notify=notify)
    wait_until(lambda: len(bodies_at(receiver, "/status/500")) == 4)
    types = [event["type"] for event in bodies_at(receiver, "/status/500")]
    assert types == ["job.started", "job.request", "job.response", "job.finished"]
    wait_until(lambda: Job.select().where(Job.state == "retryable", Job.scheduled_at > clock.now()).count() == 4)


def test_a_message_to_a_channel_arrives_in_the_form_of_its_service(account, embedded, receiver):  # noqa: F811
    channels.configure(account.id, "slack", f"{receiver.url}/services/s3cret", clock.now())
    channels.forward(account.id, "slack", "alex", "1 < 2", 0, clock.now())
    wait_until(lambda: Job.select().where(Job.state == "completed").count() == 1)
    [arrival] = receiver.arrivals
    assert (arrival.path, json.loads(arrival.body)) == ("/services/s3cret", {"text": "*alex*: 1 &lt; 2"})
    assert not [row for row in LogEntry.select() if "s3cret" in row.payload]


def test_a_message_goes_where_its_channel_was_set_to_just_before(account, embedded, receiver):  # noqa: F811
    for number in range(3):
        make_job(account, url=f"{receiver.url}/job/{number}")
        wait_until(lambda: len(receiver.arrivals) == 2 * number + 1)  # noqa: B023 - waited for at once
        channels.configure(account.id, "slack", f"{receiver.url}/services/{number}", clock.now())
        channels.forward(account.id, "slack", "alex", "hi", 0, clock.now())
        wait_until(lambda: Job.select().where(Job.kind == "channel", Job.state == "completed").count() == number + 1)  # noqa: B023
        assert receiver.arrivals[-1].path == f"/services/{number}"


def test_a_message_to_a_channel_that_is_set_no_more_goes_nowhere(account, embedded, receiver):  # noqa: F811
    channels.configure(account.id, "slack", receiver.url, clock.now())
    job_is_due_at = clock.now() + clock.SECOND
    channels.forward(account.id, "slack", "alex", "hi", 0, job_is_due_at)
    channels.remove(account.id, "slack")
    wait_until(lambda: Job.select().where(Job.state == "discarded").count() == 1)
    assert receiver.arrivals == []
