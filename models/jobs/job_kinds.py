"""Declares the kinds of jobs."""

REQUEST = "request"  # ordered by a client or made by a schedule
CALLBACK = "callback"  # carries the result of another job
EVENT = "event"  # tells what happened to another job
CHANNEL = "channel"  # forwards a message to people
KINDS = (REQUEST, CALLBACK, EVENT, CHANNEL)
