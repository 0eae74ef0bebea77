"""Chooses the threads that serve a request, by its path: signs of life wait for no other request.

/healthz and /api/ping ask for nothing that can be silent, so their thread is always free. /readyz asks the database and
the broker, each with a short limit, on a thread of its own.
"""

from typing import Literal

Lane = Literal["quick", "ready", "other"]
QUICK = (b"/healthz", b"/api/ping")
READY = b"/readyz"


def lane_of(path: bytes) -> Lane:
    if path in QUICK:
        return "quick"
    return "ready" if path == READY else "other"
