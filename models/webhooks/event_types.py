"""Declares the types of events, which a `webhook_url` or an endpoint receives."""

STARTED, REQUESTED, ANSWERED = "job.started", "job.request", "job.response"
FAILED, FINISHED, CANCELLED = "job.error", "job.finished", "job.cancelled"
HOST_FAILING, HOST_RECOVERED = "host.failing", "host.recovered"

JOB_EVENT_TYPES = (STARTED, REQUESTED, ANSWERED, FAILED, FINISHED, CANCELLED)
HOST_EVENT_TYPES = (HOST_FAILING, HOST_RECOVERED)
EVENT_TYPES = (*JOB_EVENT_TYPES, *HOST_EVENT_TYPES)
