"""What `dramatiq tests.support.faults.app:broker` imports: the production worker, but some requests end their process.

Owns the faults that no outsider can time. A job says by the query of its URL where its process dies of SIGKILL:
`?once=before` (before its request is sent), `?once=after` (after the answer, before the record), each in its first
attempt only; `?always=before` in every attempt. The product itself knows nothing of this.
"""

import os
import signal
from urllib.parse import parse_qs, urlsplit

from workers.app import broker, delivery

__all__ = ["broker"]

submit, end = delivery._transport.submit, delivery.senders._end


def submit_or_die(requests):
    requests = list(requests)
    if any(place_of_death(request) == "before" for _, request in requests):
        die()
    submit(requests)


def end_or_die(ended):
    if any(place_of_death(sending.request) == "after" for sending, _ in ended):
        die()
    end(ended)


def place_of_death(request):
    """ "before", "after" or None."""
    query = parse_qs(urlsplit(request.url).query)
    first = request.headers["Booper-Attempt"] == "1"
    (place,) = query.get("always") or (query.get("once") if first else None) or [None]
    return place


def die():
    os.kill(os.getpid(), signal.SIGKILL)


delivery._transport.submit = submit_or_die
delivery.senders._end = end_or_die
