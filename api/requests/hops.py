"""Reads where a request came from: through how many jobs, and in which trace.

One that came through too many jobs is refused, so that a loop ends. A job that is sent counts one more
(`workers/delivery/render.py`). Jobs of other schedulers count too, if they pass the header on.
"""

from flask import request

from api.requests.fields import shown
from api.responses.responses import invalid
from runtime import tracing

HOP_HEADER = "Booper-Hop"
MAX_HOPS = 5


def hops() -> int:
    """The number in the header `Booper-Hop`; 422 for one so high that the schedulers must be calling one another."""
    text = request.headers.get(HOP_HEADER, "0")
    count = int(text) if text.isascii() and text.isdigit() and len(text) < 4 else MAX_HOPS
    if count >= MAX_HOPS:
        message = f"must be a number below {MAX_HOPS} (more means a loop of schedulers), got {shown(text)}"
        raise invalid({HOP_HEADER: [message]})
    return count


def traceparent() -> str | None:
    """The header `traceparent`, as it is kept with a job; None where no traces are made."""
    return tracing.kept(request.headers.get(tracing.TRACEPARENT, ""))
