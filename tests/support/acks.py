"""Attempts whose targets acknowledge later: claimed, answered with "later", and acknowledged."""

from models.accounts.ack_tokens import Attempted
from models.operations import acks
from models.operations.acks import Ack
from models.rules import clock
from tests.support.results import answered
from tests.support.rows import claim_of, make_job
from workers.delivery.attempt_records import Result
from workers.delivery.recorder import record
from workers.delivery.render import AckUrls, render_request

LATER = answered(202, b"taken", [("Booper-Complete", "later")])
OWN_URL = "https://booper.example"
WITHIN_S = 600


def waiting(account, **columns):
    """The claim of a job whose target took the request and is to acknowledge within ten minutes."""
    job = make_job(account, **{"ack_within_us": WITHIN_S * clock.SECOND, **columns})
    return answer_later(claim_of(job))


def answer_later(claim):
    """Record that the target of this claim answered "later"; returns the claim."""
    record([Result(claim, render_request(claim, acks=AckUrls(OWN_URL)), LATER, clock.now())])
    return claim


def attempted(claim):
    return Attempted(claim.id, claim.claim_id)


def acknowledge(claim, succeeded=True, body=None, content_type=None):
    """What became of the target's acknowledgement."""
    return acks.take(attempted(claim), Ack(succeeded, body, content_type), clock.now())
