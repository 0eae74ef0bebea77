"""Attempts in the tables, as the recorder leaves them: the row, and the entries of the log."""

import json

from models.jobs import records
from models.jobs.log_events import REQUEST_FAILED, REQUEST_SENT, RESPONSE_RECEIVED
from models.jobs.records import AttemptRow
from models.operations import heartbeats
from models.operations.heartbeats import MinuteRow
from models.rules import clock, lateness
from models.rules.clock import MILLISECOND, MINUTE, SECOND
from tests.support.rows import make_job


def attempted_job(account, ago_s, reason=None, number=1, retried_in_s=None, late_us=2 * MILLISECOND, **columns):
    """A job with one attempt that began so long ago; `reason`: why it failed."""
    columns.setdefault("state", "completed" if reason is None else "discarded")
    job = make_job(account, due_in_s=-ago_s, attempt=number, **columns)
    add_attempt(job, ago_s, reason, number, retried_in_s, late_us)
    return job


def add_attempt(job, ago_s, reason=None, number=1, retried_in_s=None, late_us=2 * MILLISECOND):
    began = clock.now() - int(ago_s * SECOND)
    next_at = None if retried_in_s is None else clock.now() + retried_in_s * SECOND
    status = 200 if reason is None else None
    row = AttemptRow(job.id, number, began, began + 30 * MILLISECOND, late_us, "answered", status, reason)
    records.add_attempts([row._replace(next_at=next_at)])
    ended = REQUEST_FAILED if reason else RESPONSE_RECEIVED
    entries = [(REQUEST_SENT, began), (ended, began + 30 * MILLISECOND)]
    records.add_log_entries([records.log_row(job.account_id, job.id, None, name, {}, at) for name, at in entries])


def note(account, minutes_ago, late_us, completed=1, failed=0):
    """Attempts of one minute as their process counts them, each late by as much."""
    counts = lateness.empty()
    for _ in range(completed + failed):
        lateness.add(counts, late_us)
    now = clock.now()
    at = now - now % MINUTE - minutes_ago * MINUTE
    heartbeats.record_minutes([MinuteRow(account.id, at, "worker", completed, failed, json.dumps(counts))])
