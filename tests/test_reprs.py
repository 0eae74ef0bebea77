"""What may end in a log by its repr shows no secret: jobs, requests, answers, keys."""

import json

import pytest

from api.requests.job_requests import JobRequest
from api.requests.reading.body import Fields
from models.jobs.job_store import JobRow, NewJob, find
from models.rules import clock
from models.webhooks import channels, signing_keys
from models.webhooks.delivery_config import of_accounts
from tests.support.rows import claim_job
from workers.delivery.attempt_records import Result
from workers.delivery.render import render_request
from workers.transport.outcome import Answered, Timings

CANARY = "canary5ecret"
ARGS = json.dumps({"url": f"http://x/?{CANARY}", "headers": {"Authorization": CANARY}})


@pytest.fixture
def claim(account):
    notify = json.dumps({"callback": f"http://x/{CANARY}"})
    return claim_job(account, args=ARGS, body=CANARY.encode(), notify=notify)


def test_a_job_and_its_request_and_result_show_no_secret(account, claim):
    answered = Answered(200, [("Set-Cookie", CANARY)], CANARY.encode(), False, Timings())
    request = render_request(claim)
    row = find(account.id, claim.id)
    assert isinstance(row, JobRow)
    for shown in (claim, row, request, answered, Result(claim, request, answered, 0)):
        assert CANARY not in repr(shown)
        assert CANARY not in str(shown)


def test_an_order_shows_no_secret():
    fields = Fields({"url": f"http://x/{CANARY}", "headers": {"Authorization": CANARY}})
    assert CANARY not in repr(JobRequest({"url": CANARY}, fields))
    assert CANARY not in repr(NewJob(1, ARGS, CANARY.encode(), None, 0, notify=CANARY))


def test_what_an_account_has_set_shows_no_secret(account):
    key = signing_keys.create(account.id, None, clock.now())
    channels.configure(account.id, "discord", f"https://x.example/{CANARY}", clock.now())
    shown = repr(of_accounts([account.id])[account.id]) + repr(key) + str(key)
    assert CANARY not in shown
    assert key.secret not in shown
