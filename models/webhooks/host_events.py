"""Tells an account that a host fails again and again, or works again: log entries, and events to its endpoints.

The caller's transaction has closed or opened the host's gate, and the gate's lock orders such changes. So each change
is told once, and none is lost.
"""

from models.flows.gates import Gate
from models.jobs import job_json, job_store
from models.jobs.lifecycle import ClaimedJob
from models.jobs.log_events import HOST_FAILING as LOGGED_FAILING
from models.jobs.log_events import HOST_RECOVERED as LOGGED_RECOVERED
from models.jobs.records import add_log_entries, log_row
from models.rules.times import instant_or_none
from models.webhooks import delivery_config, follow_ups
from models.webhooks.delivery_config import NONE
from models.webhooks.event_types import HOST_FAILING, HOST_RECOVERED

LOGGED = {HOST_FAILING: LOGGED_FAILING, HOST_RECOVERED: LOGGED_RECOVERED}


def add(event_type: str, gate: Gate, cause: ClaimedJob, now: int) -> None:
    """Write that the host of `gate` fails (HOST_FAILING) or works again (HOST_RECOVERED), in the transaction in which
    the gate changed. `cause`: the job whose attempt decided."""
    about = {"host": gate.key, "failures": gate.failures, "next_probe_at": instant_or_none(gate.probe_at)}
    entry = log_row(gate.account_id, cause.id, cause.schedule_id, LOGGED[event_type], about, now)
    add_log_entries([entry])
    config = delivery_config.of_accounts([gate.account_id]).get(gate.account_id, NONE)
    data = job_json.compact(about | {"job_id": cause.id})
    jobs = [
        follow_ups.event(gate.account_id, cause.hops, event_type, now, data, url, now)._replace(endpoint_id=endpoint_id)
        for url, endpoint_id in config.subscribers_of(event_type).items()
    ]
    job_store.create_many(jobs, now)
