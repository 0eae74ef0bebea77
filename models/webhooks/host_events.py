"""Tells an account that a host fails again and again, or works again: log entries, and events to its endpoints.

The caller's transaction has closed or opened the host's gate, and the gate's lock orders such changes. So each change
is told once, and none is lost.
"""

from typing import NamedTuple

from models.database.ids import new_id
from models.flows.gates import Gate
from models.jobs import job_json, job_store
from models.jobs.job_kinds import EVENT
from models.jobs.job_store import NewJob
from models.jobs.log_events import HOST_FAILING as LOGGED_FAILING
from models.jobs.log_events import HOST_RECOVERED as LOGGED_RECOVERED
from models.jobs.records import add_log_entries, log_row
from models.rules.times import format_instant
from models.rules.url_rules import split_url
from models.webhooks import delivery_config
from models.webhooks.delivery_config import NONE
from models.webhooks.event_types import HOST_FAILING, HOST_RECOVERED
from models.webhooks.notifications import args_for

LOGGED = {HOST_FAILING: LOGGED_FAILING, HOST_RECOVERED: LOGGED_RECOVERED}


class Cause(NamedTuple):
    """The job whose attempt decided."""

    id: int
    schedule_id: str | None
    hops: int


def add(event_type: str, gate: Gate, cause: Cause, now: int) -> None:
    """Write that the host of `gate` fails (HOST_FAILING) or works again (HOST_RECOVERED). In the transaction in which
    the gate changed."""
    about = {"host": gate.key, "failures": gate.failures, "next_probe_at": _instant(gate.probe_at)}
    entry = log_row(gate.account_id, cause.id, cause.schedule_id, LOGGED[event_type], about, now)
    add_log_entries([entry])
    config = delivery_config.of_accounts([gate.account_id]).get(gate.account_id, NONE)
    data = about | {"job_id": cause.id}
    subscribers = config.subscribers_of(event_type).items()
    job_store.create_many([_event(event_type, gate, cause, data, url, key, now) for url, key in subscribers], now)


def _event(event_type: str, gate: Gate, cause: Cause, data: object, url: str, endpoint_id: int, now: int) -> NewJob:
    event_id = new_id()
    body = {"id": event_id, "type": event_type, "timestamp": format_instant(now), "data": data}
    return NewJob(
        account_id=gate.account_id,
        args=args_for(url),
        body=job_json.compact(body).encode(),
        content_type=job_json.JSON_TYPE,
        scheduled_at=now,
        host=split_url(url).host,
        hops=cause.hops + 1,
        kind=EVENT,
        uuid=event_id,
        endpoint_id=endpoint_id,
    )


def _instant(at: int | None) -> str | None:
    return None if at is None else format_instant(at)
