"""The judge of callbacks and events fails each bad history."""

import json
import time
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from standardwebhooks.webhooks import Webhook

from tests.support.journeys import notifications
from tests.support.journeys.ledger import Notification, timestamp

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
NOW = time.time_ns() // 1000


def signed_notification(path, name, body):
    text, seconds = json.dumps(body), NOW // 1_000_000
    signature = Webhook(SECRET).sign(name, datetime.fromtimestamp(seconds, UTC), text)
    headers = {"webhook-id": name, "webhook-timestamp": str(seconds), "webhook-signature": f"v1,other {signature}"}
    return Notification(NOW, path, headers, text)


def event(number, kind, name=None):
    name = name or f"e{number}"
    body = {"id": name, "type": kind, "timestamp": timestamp(NOW + number), "data": {"job": {"job_id": 7}}}
    return signed_notification(notifications.EVENTS, name, body)


GOOD = [
    *(event(number, kind) for number, kind in enumerate(notifications.LIFE)),
    signed_notification(notifications.CALLBACK, "c", {"job": {"job_id": 7}}),
]


def test_a_good_history_is_found_good_and_so_is_one_with_repeats():
    assert notifications.check(GOOD, [7], [SECRET]) == []
    assert notifications.check([*GOOD, GOOD[0], GOOD[4]], [7], [SECRET]) == []


@pytest.mark.parametrize(
    ("history", "problem"),
    [
        (GOOD[1:], "lacks ['job.started']"),
        (GOOD[:4], "lacks ['callback']"),
        ([GOOD[1], GOOD[0], *GOOD[2:]], "before"),
        ([*GOOD, event(3, "job.finished", "other")], "bears 2 ids"),
        ([*GOOD, event(4, "job.error", "e3")], "is that of 2 bodies"),
        ([*GOOD, replace(GOOD[4], headers={**GOOD[4].headers, "webhook-id": "d"})], "bears 2 ids"),
        ([*GOOD[:4], replace(GOOD[4], body=GOOD[4].body + " ")], "is not signed"),
        ([*GOOD[:4], replace(GOOD[4], at=NOW + 400_000_000)], "says that it is of"),
    ],
)
def test_a_bad_history_is_found_bad(history, problem):
    assert any(problem in text for text in notifications.check(history, [7], [SECRET]))
