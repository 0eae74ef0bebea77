"""Declares the kinds of jobs."""

REQUEST = "request"  # ordered by a client or made by a schedule
CALLBACK = "callback"  # carries the result of another job
EVENT = "event"  # tells what happened to another job
CHANNEL = "channel"  # forwards a message to people
GROUP = "group"  # makes the jobs of a group of targets, at an instant of a schedule
ALERT = "alert"  # notifies somebody of an incident
KINDS = (REQUEST, CALLBACK, EVENT, CHANNEL, GROUP, ALERT)


def is_follow_up(kind: str) -> bool:
    """Whether such a job follows from another one; every kind but a request does."""
    return kind != REQUEST
