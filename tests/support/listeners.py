"""Attempts whose requests wait for a listener: claimed, handed over, taken and answered."""

import json

from models.operations.listening import open_requests
from models.operations.listening.open_requests import Answer
from models.rules import clock
from tests.support.rows import claim_of, make_job
from workers.delivery.config_cache import ConfigCache
from workers.delivery.listening.hand_over import hand_over
from workers.delivery.render import render_request
from workers.ticker.listener_results import ListenerResults

NAME = "laptop"
URL = f"listener://{NAME}/hook?a=1"
TIMEOUT_S = 30
OK = {"status": 200, "headers": [], "truncated": False, "error": None}


def waiting(account, url=URL, **columns):
    """The claim of a job whose request waits for its listener."""
    job = make_job(account, **{"url": url, "timeout_ms": TIMEOUT_S * 1000, **columns})
    return hand(claim_of(job))


def hand(claim):
    """Hand the request of this claim over; returns the claim."""
    hand_over(claim, render_request(claim), ConfigCache())
    return claim


def take(account, name=NAME, limit=10):
    return open_requests.take(account.id, name, limit, clock.now())


def reply(account, taken, body=b"", name=NAME, **fields):
    """What became of the listener's answer, a 200 unless `fields` say otherwise."""
    answer = Answer(json.dumps({**OK, **fields}), body)
    return open_requests.answer(account.id, name, taken.uuid, answer, clock.now())


def end_over(kept_bytes=65_536, longest_us=clock.DAY):
    """Let the ticker end the attempts that are over; how many there were."""
    return ListenerResults(kept_bytes, longest_us).end(clock.now())
