"""What a claim comes to: the answer of a target, and the result that a sender hands to the recorder."""

from models.rules import clock
from workers.delivery.attempt_records import Result
from workers.delivery.render import render_request
from workers.transport.outcome import Answered, Timings


def answered(status=200, body=b"", headers=(), truncated=False, total_ms=1.0):
    """The target answered like this."""
    return Answered(status, list(headers), body, truncated, Timings(total_ms=total_ms))


def result_of(claim, outcome):
    """The result of a claim, now."""
    return Result(claim, render_request(claim), outcome, clock.now())
