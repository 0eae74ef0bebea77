"""`TaskReceiver`: a schedule calls for a task, and the request, which is signed, queues it."""

import base64
import json
import time

import pytest

from booper_client import Client
from booper_client.signatures import signature
from booper_client.task_queue import Task, TaskReceiver, celery

KEY = b"k" * 24
SECRET = "whsec_" + base64.b64encode(KEY).decode()
ELSE = "whsec_" + base64.b64encode(b"e" * 24).decode()


def signed(document, key=KEY):
    body, now = json.dumps(document).encode(), str(int(time.time()))
    headers = {"Webhook-Id": "id-1", "Webhook-Timestamp": now}
    return body, headers | {"Webhook-Signature": signature(key, "id-1", now, body)}


@pytest.fixture
def queued():
    return []


def test_a_schedule_that_runs_queues_its_task_once_verified(server, key, receiver, queued):
    with Client(server.url, key) as client:
        secret = client.signing_keys.create().secret
        client.schedules.put(
            *("report",),
            **{"url": f"{receiver.url}/tasks", "method": "post", "cron": "@yearly"},
            body={"task": "proj.report", "args": [1], "kwargs": {"a": "ä"}, "options": {"queue": "q"}},
        )
        job = client.jobs.wait(client.schedules.run("report"), every_seconds=0.02)
    [request] = receiver.arrivals

    status, answer = TaskReceiver(queued.append, [ELSE, secret]).receive(request.body, request.headers)

    assert (status, answer) == (202, {"queued": job.id})
    assert queued == [Task(job.id, "proj.report", [1], {"a": "ä"}, {"queue": "q"})]


def test_a_request_of_somebody_else_queues_nothing(queued):
    tasks = TaskReceiver(queued.append, [SECRET])

    assert tasks.receive(*signed({"task": "t"}, b"other" * 5))[0] == 401
    assert tasks.receive(b'{"task": "t"}', {})[0] == 401
    assert queued == []


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ([], "the body must be an object"),
        ({}, "`task` must be the name of a task, got None"),
        ({"task": "t", "args": {"a": 1}}, "`args` must be a list"),
        ({"task": "t", "kwargs": [1]}, "`kwargs` must be a dict"),
        ({"task": "forbidden"}, "forbidden is not among the tasks"),
    ],
)
def test_what_names_no_task_is_refused(queued, document, message):
    status, answer = TaskReceiver(queued.append, [SECRET], allowed={"t"}).receive(*signed(document))

    assert status == 422
    assert message in answer["error"]
    assert queued == []


def test_what_the_queue_raises_is_left_to_the_framework():
    def refuse(task):
        raise OSError("the broker is away")

    with pytest.raises(OSError, match="away"):
        TaskReceiver(refuse, [SECRET]).receive(*signed({"task": "t"}))


def test_options_that_are_not_ours_reach_no_queue(queued):
    TaskReceiver(queued.append, [SECRET]).receive(*signed({"task": "t", "options": {"queue": "q", "task_id": "x"}}))

    assert queued[0].options == {"queue": "q"}


def test_a_celery_app_gets_the_id_of_the_job(queued):
    class App:
        def send_task(self, *arguments, **options):
            queued.append((arguments, options))

    celery(App())(Task("id-1", "t", [1], {"a": 2}, {"queue": "q"}))

    assert queued == [(("t", [1], {"a": 2}), {"task_id": "id-1", "queue": "q"})]


@pytest.mark.parametrize("secrets", [SECRET, []])
def test_a_receiver_without_a_list_of_secrets_is_refused(secrets):
    with pytest.raises(ValueError, match="secrets must be a list"):
        TaskReceiver(print, secrets)
