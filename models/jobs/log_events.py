"""Declares the events of log entries, which the dashboard's filter and docs/api.md list."""

REQUEST_SENT = "worker.http.request"
RESPONSE_RECEIVED = "worker.http.response"
REQUEST_FAILED = "worker.http.error"
JOB_ACKNOWLEDGED = "worker.job.acknowledged"
JOB_CHANGED = "worker.job.changed"
JOB_CANCELLED = "worker.job.cancelled"
JOB_DISCARDED = "worker.job.discarded"
ANSWER_NOT_KEPT = "worker.schedule.not_kept"
SCHEDULE_DISABLED = "worker.schedule.disabled"
HOST_FAILING, HOST_RECOVERED = "worker.host.failing", "worker.host.recovered"

EVENTS = (
    *(REQUEST_SENT, RESPONSE_RECEIVED, REQUEST_FAILED),
    *(JOB_ACKNOWLEDGED, JOB_CHANGED, JOB_CANCELLED, JOB_DISCARDED),
    *(ANSWER_NOT_KEPT, SCHEDULE_DISABLED),
    *(HOST_FAILING, HOST_RECOVERED),
)
