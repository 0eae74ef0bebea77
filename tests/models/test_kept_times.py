"""What is kept for a time is kept to its last microsecond, then goes, the oldest first."""

from collections.abc import Callable
from typing import Any, NamedTuple

import pytest

from models.accounts import session_store
from models.accounts.account_tables import EndedSession
from models.alerts import incident_store
from models.alerts.alert_tables import Incident
from models.database.ids import new_id
from models.jobs import dedup_windows
from models.jobs.job_tables import Ack, DedupWindow
from models.operations import acks, heartbeats, operation_store
from models.operations.heartbeat_tables import MinuteStat, Worker
from models.operations.listening import listener_store, open_requests
from models.operations.listening.listener_tables import Listener, ListenerRequest
from models.operations.operation_tables import Operation
from models.rules.clock import DAY, HOUR
from models.schedules import firing_rows
from models.schedules.backfills import backfill_store
from models.schedules.backfills.backfill_tables import Backfill
from models.schedules.schedule_tables import Firing

NOW = 1_800_000_000 * 1_000_000


class Kept(NamedTuple):
    """`table`: where a row is kept for `kept_us` after the instant in `column`, with these other values. `prune`: takes
    a number of rows and an instant. `most`: the module and the constant that bound the rows where `prune` takes none.
    `is_whole`: whether the last microsecond belongs to the time."""

    table: Any
    column: str
    prune: Callable[[int, int], Any]
    kept_us: int
    values: dict[str, Any]
    most: tuple[Any, str] | None = None
    is_whole: bool = True


OPERATION = {
    **{"account_id": 1, "action": "cancel", "sent": "{}", "job_filter": "{}", "inserted_at": 1, "state": "done"},
    **{"is_read": 1, "held": "[]", "done": 0, "failed": 0, "jobs_left": 0, "more_left": 0, "counted_at": 0},
}
BACKFILL = {
    **{"account_id": 1, "schedule_id": new_id(), "first_at": 1, "last_at": 2, "instants": "[]", "size": 0},
    **{"inserted_at": 1, "state": "done", "looked_at": 0, "made": 0},
}
REQUEST = {"account_id": 1, "listener": "x", "attempt": 1, "request": "{}", "handed_at": 1, "deadline_at": 2}
INCIDENT = {"account_id": 1, "alert_id": 1, "alert_name": "", "type": "failed", "title": "", "detail": ""}
MINUTE_OF_ONE = {"account_id": 1, "completed": 1, "failed": 0, "lateness": "[]"}
EVERY = [
    Kept(Ack, "received_at", acks.prune, DAY, {"succeeded": 1, "settled_at": 1}),
    Kept(
        *(ListenerRequest, "ended_at", lambda _, now: open_requests.prune(now), HOUR, REQUEST),
        most=(open_requests, "AT_ONCE"),
    ),
    Kept(Listener, "seen_at", lambda _, now: listener_store.prune(now), 7 * DAY, {"account_id": 1}),
    Kept(
        *(Backfill, "ended_at", lambda _, now: backfill_store.prune(now), 30 * DAY, BACKFILL),
        most=(backfill_store, "PRUNED_AT_ONCE"),
    ),
    Kept(
        *(Operation, "ended_at", lambda _, now: operation_store.prune(now), 30 * DAY, OPERATION),
        most=(operation_store, "PRUNED_AT_ONCE"),
    ),
    Kept(Firing, "decided_at", lambda most, now: firing_rows.prune(now - DAY, most), DAY, {"status": "fired"}),
    Kept(
        *(Incident, "closed_at", lambda most, now: incident_store.prune(now - DAY, most), DAY),
        {**INCIDENT, "opened_at": 1, "subjects": 0, "is_flapping": 0},
    ),
    Kept(DedupWindow, "expires_at", dedup_windows.prune, 0, {"account_id": 1}, is_whole=False),
    Kept(EndedSession, "forgotten_at", session_store.prune, 0, {}, is_whole=False),
    Kept(
        *(Worker, "seen_at", lambda _, now: heartbeats.prune(now), DAY),
        {"host": "h", "pid": 1, "version": "1", "slots": 1, "slots_in_use": 0, "started_at": 1},
    ),
    Kept(
        *(MinuteStat, "minute_at", lambda _, now: heartbeats.prune(now), 8 * DAY),
        {**MINUTE_OF_ONE, "worker_id": heartbeats.FOLDED},
    ),
]
LIMITED = [each for each in EVERY if each.table not in (Listener, Worker, MinuteStat)]
OTHERS = {  # what tells the rows of a table apart
    Ack: lambda n: {"job_id": n, "claim_id": n},
    ListenerRequest: lambda n: {"job_id": n, "claim_id": n},
    Listener: lambda n: {"name": str(n)},
    Firing: lambda n: {"schedule_id": new_id(), "fire_at": n},
    Incident: lambda n: {"subject": str(n)},
    DedupWindow: lambda n: {"digest": str(n), "job_uuid": new_id()},
    EndedSession: lambda n: {"digest": str(n)},
    Worker: lambda n: {"id": new_id()},
}


def instants(kept):
    return [row[0] for row in kept.table.select(getattr(kept.table, kept.column)).order_by(1).tuples()]


def make(kept, *ats):
    for number, at in enumerate(ats):
        kept.table.insert({**kept.values, kept.column: at, **OTHERS.get(kept.table, lambda _: {})(number)}).execute()


@pytest.mark.parametrize("kept", EVERY, ids=lambda kept: kept.table.__name__)
def test_a_row_is_kept_to_the_end_of_its_time_and_not_longer(db, kept):
    last = NOW - kept.kept_us + (0 if kept.is_whole else 1)
    make(kept, last, last - 1)

    kept.prune(100, NOW)

    assert instants(kept) == [last]


@pytest.mark.parametrize("kept", LIMITED, ids=lambda kept: kept.table.__name__)
def test_where_not_all_go_at_once_the_oldest_goes_first(db, monkeypatch, kept):
    if kept.most:
        monkeypatch.setattr(*kept.most, 1)
    ats = [NOW - kept.kept_us - age for age in (2, 3, 1)]
    make(kept, *ats)

    kept.prune(1, NOW)

    assert instants(kept) == sorted(ats)[1:]
