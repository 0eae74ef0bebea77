"""Lists the texts by which pages show codes: notes, errors, states of a run, phases of an attempt, filters. Pure."""

NOTES = {  # what the next page says after a form was accepted; the word stands in its address
    "created": "Created.",
    "known": "No job was created: this one, with the same idempotency key or in the same window, was there already.",
    "cancelled": "Cancelled.",
    "final": "The job had already ended; nothing was changed.",
    "backfill_over": "The backfill had already ended; nothing was changed.",
    "now": "It is due now.",
    "again": "This is a new job with the same request.",
    "nothing": "Nothing was selected.",
    "revoked": "The key is revoked. Requests with it are refused within a second.",
    "saved": "Saved.",
    "deleted": "Deleted.",
    "enabled": "Enabled. The next run is planned.",
    "finished": "Enabled, but its bounds leave no further run.",
    "disabled": "Disabled. Its waiting jobs are cancelled.",
    "was_disabled": "It was disabled already; nothing was changed.",
    "fired": "This is a new job of the schedule, due now.",
    "backfill": "The past runs are made up for, one after another.",
    "paused": "Paused. Requests under way go on.",
    "resumed": "Resumed. What waited for this alone goes out in turn.",
    "retired": "Retired.",
    "retires": "It signs until the time that stands beside it, and is retired then.",
    "tested": "The test is on its way.",
    "reset": "Forgotten. The rate lets the next jobs begin at once.",
    "bulk_cancelled": "The selected jobs are cancelled; those that had ended stay as they were.",
    "bulk_again": "Selected jobs that waited for a time of their own are due now. "
    "A new job was created for each request that had ended.",
    "none_waits": "Nothing was changed: none of these jobs waits for a time of its own, "
    "and none is a request that has ended.",
}
ERROR_TITLES = {
    400: "Bad request",
    401: "Not signed in",
    403: "Form refused",
    404: "Not found",
    405: "Method not allowed",
    409: "Not possible now",
    413: "Too large",
    422: "Invalid input",
    429: "Too many attempts",
    500: "Internal error",
    503: "Temporarily unavailable",
}
ERROR_MESSAGES = {
    404: "Nothing is at this address. It may have been deleted, or it belongs to another account.",
    405: "This address accepts forms only. Go back and use the button.",
    500: "This is a fault of the server. The operator finds it in the server's log by the ID below.",
    503: "The database can't be reached. Jobs wait in it and nothing is lost. Try again in a few seconds.",
}
RUN_RESULTS = {  # of an instant of a schedule: its letter, so that color is not all that differs, and its meaning
    "succeeded": ("✓", "succeeded"),
    "late": ("L", "succeeded late"),
    "retrying": ("r", "failed, to be tried again"),
    "failed": ("✗", "failed for good"),
    "running": ("…", "under way"),
    "fired": ("?", "ran; its job has been deleted since"),
    "skipped_overlap": ("o", "skipped: the run before it had not ended"),
    "skipped_misfire": ("s", "missed: skipped by the misfire policy"),
    "missed_down": ("!", "missed: too old when it was noticed"),
    "paused": ("p", "held back by a pause for too long"),
    "disabled": ("–", "the schedule was disabled"),
    "cancelled": ("×", "cancelled"),
    "backfilled": ("b", "made up for later"),
}
WHY_TITLES = {  # by the code of the weightiest reason
    "not_due": "When does it run?",
    "waits_for_retry": "What comes next?",
}
PHASES = {  # what an attempt spends its time on
    "dns": "DNS lookup",
    "connect": "TCP connect",
    "tls": "TLS handshake",
    "first_byte": "waited for the response",
    "body": "read the response",
    "nothing": "no response",
}
LOG_FIELDS = {"next_at": "next attempt", "next_probe_at": "next probe", "elapsed_ms": "took, ms"}
OPERATIONS = {  # what is done to all jobs of a filter
    "cancel": "Cancel all matching jobs",
    "retry": "Run all matching jobs again",
    "delete": "Delete all matching jobs",
}
JOB_FILTERS = {
    "state": "state",
    "kind": "kind",
    "label": "label",
    "host": "host",
    "text": "text in URL or name",
    "after": "created from",
    "before": "created before",
    "failed_after": "failed from",
    "failed_before": "failed before",
    "due": "due",
    "active_after": "attempted or due from",
    "active_before": "attempted or due before",
    "name": "name",
    "path": "path of the URL",
    "schedule": "schedule",
    "flow": "flow",
    "lane": "lane",
    "status_code": "status code",
    "reason": "reason",
    "url": "URL",
    "parent": "job that it is about",
    "replayed": "run again",
}
