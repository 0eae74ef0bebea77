"""What each read of jobs, logs, figures and timelines returns with each filter, and what operations on many jobs do."""

import json
from pathlib import Path

import pytest

from models.database import settling
from models.database.paging import PageRequest
from models.jobs import job_json, job_lists, job_store, log_entries
from models.jobs.log_entries import LogFilter
from models.jobs.searches import last_attempts, merged_states
from models.jobs.searches.job_filter import JobFilter
from models.operations import bulk, dry_runs, explain, failures, operation_store, overview, retry_plan
from models.operations.bulk import CANCEL, DELETE, RETRY
from models.operations.timelines import (
    active_jobs,
    attempt_counts,
    coming_jobs,
    host_figures,
    past_attempts,
    planned_instants,
    waiting_causes,
)
from models.rules.clock import DAY, HOUR, MINUTE, SECOND
from tests.support.clocks import START as NOW
from tests.support.recorded import Recorded
from tests.support.rich.asking import ALICE, BOB, CAROL, inside, numbers, of_each
from tests.support.rich.names import JOB, OPERATION, SCHEDULE, uuid_of

RECORDED = Recorded(Path(__file__).with_name("recorded") / "reads")
REQUESTS = JobFilter("request")
FAILED_OTHER = NOW - 23 * MINUTE - 700_000
FILTERS = {
    "all": {},
    "kind event": {"kind": "event"},
    "kind callback": {"kind": "callback"},
    "kind alert": {"kind": "alert"},
    "kind group": {"kind": "group"},
    **{
        f"state {state}": {"state": state}
        for state in ("available", "scheduled", "executing", "retryable", "completed", "discarded", "cancelled")
    },
    "after": {"after": NOW - 19 * MINUTE - 50 * SECOND},
    "before": {"before": NOW - 19 * MINUTE - 50 * SECOND},
    "label": {"label": "billing"},
    "label prefix": {"label": "billing*"},
    "label and state": {"label": "eu-west", "state": "retryable"},
    "host": {"host": "shared.example"},
    "parent": {"parent": JOB["running"], "kind": "event"},
    "parent by uuid": {"parent": uuid_of("job", "set-first")},
    "text": {"text": "RICH"},
    "text of a name": {"text": "done-"},
    "reason": {"reason": "status_500"},
    "unknown reason": {"reason": "unknown"},
    "url": {"url": "https://ready.example/hook/0"},
    "url prefix": {"url": "https://rich.example/*"},
    "path": {"path": "/path/of"},
    "path prefix": {"path": "/path/*"},
    "name": {"name": "done"},
    "name prefix": {"name": "done*"},
    "schedule": {"schedule": SCHEDULE["hourly"]},
    "schedule by key": {"schedule": "key-queue"},
    "flow": {"flow": "shop"},
    "lane": {"lane": "stops"},
    "status": {"status_code": "503"},
    "statuses": {"status_code": "5xx"},
    "scheduled after": {"scheduled_after": NOW + HOUR},
    "scheduled before": {"scheduled_before": NOW - 30 * MINUTE},
    "failed after": {"failed_after": NOW - 23 * MINUTE},
    "failed before": {"failed_before": NOW - 23 * MINUTE},
    "due": {"due_by": NOW - 5 * SECOND},
    "due with a label": {"due_by": NOW, "label": "billing"},
    **{
        f"{name} at its edge{late:+}": {name: edge + late}
        for name, edge in (
            *(("after", NOW - 20 * MINUTE + 2 * SECOND), ("before", NOW - 20 * MINUTE + 2 * SECOND)),
            *(("scheduled_after", NOW + DAY), ("scheduled_before", NOW - 30 * DAY), ("due_by", NOW - 12 * SECOND)),
            *(("failed_after", FAILED_OTHER), ("failed_before", FAILED_OTHER)),
        )
        for late in (0, 1)
    },
    "lane of a flow's name": {"lane": "shop"},
    "ids": {"ids": tuple(numbers("done bob-ready ready"))},
    "replayed": {"replayed": True},
    "not replayed": {"replayed": False, "state": "discarded"},
    "until an id": {"until_id": JOB["soon"]},
}
ORDERS = (
    "inserted_at",
    "scheduled_at",
    "attempted_at",
    "completed_at",
    "cancelled_at",
    "discarded_at",
    "job_id",
    "state",
    "name",
)


def filter_of(fields):
    return JobFilter(**({"kind": "request"} | fields))


def page(order="inserted_at", direction="desc", limit=200, offset=0, place=None):
    return PageRequest((order, direction), limit, offset, place)


def listed(fields=(), account_id=ALICE, looked_at=None, **columns):
    rows, end = job_lists.listed(account_id, filter_of(dict(fields)), page(**columns), looked_at)
    return [[row.id for row in rows], end]


def followed(fields=(), limit=4, **columns):
    """Three pages, each behind the one before."""
    pages, place = [], None
    for _ in range(3):
        rows, place = listed(fields, limit=limit, place=place, **columns)
        pages.append(rows)
        if place is None:
            break
    return [*pages, place]


def counted(name, states, limit):
    return merged_states.count(ALICE, filter_of(FILTERS[name]), states, page(direction="asc", limit=limit), 30)


LISTS = {
    **{f"with {name}": lambda fields=fields: listed(fields) for name, fields in FILTERS.items()},
    **{
        f"of bob with {name}": lambda fields=fields: listed(fields, BOB)
        for name, fields in FILTERS.items()
        if name in ("all", "label", "host", "flow", "due", "name prefix")
    },
    **{
        f"by {order} {direction}": lambda order=order, direction=direction: listed(
            {"text": "l"} if order == "inserted_at" else {"before": NOW - 10 * SECOND},
            order=order,
            direction=direction,
            limit=12,
        )
        for order in ORDERS
        for direction in ("asc", "desc")
    },
    "in pages": followed,
    "in pages, oldest first": lambda: followed(direction="asc"),
    "in pages of a label": lambda: followed({"label": "billing"}, limit=1),
    "in pages of a search": lambda: followed({"text": "done"}, limit=2, looked_at=20),
    "in pages by time": lambda: followed({"state": "scheduled"}, order="scheduled_at", direction="asc"),
    "in pages of what is due": lambda: followed({"due_by": NOW}, order="scheduled_at", direction="asc"),
    "in pages of what is due, latest first": lambda: followed({"due_by": NOW}, order="scheduled_at"),
    "in pages of a search of what is due": lambda: followed(
        {"due_by": NOW, "text": "e"}, order="scheduled_at", direction="asc", looked_at=6
    ),
    "in pages by name": lambda: followed(order="name", direction="asc"),
    "what is due, at an offset": lambda: listed(
        {"due_by": NOW}, order="scheduled_at", direction="asc", offset=3, limit=2
    ),
    "counts at the limit": lambda: [
        counted(name, ("discarded",), counted(name, ("discarded",), 20).jobs + more)
        for name in ("all", "label")
        for more in (-1, 0, 1)
    ],
    "at an offset": lambda: [listed(offset=3, limit=3), listed({"state": "completed"}, offset=2, limit=2)],
    "rows": lambda: job_lists.listed(ALICE, filter_of({"ids": tuple(numbers("rich done cancelled"))}), page()).rows,
    "settled": lambda: [
        job_lists.settled(REQUESTS, (order, direction)).before
        for order, direction in (("inserted_at", "asc"), ("job_id", "asc"), ("name", "asc"))
    ],
    "settled before": lambda: job_lists.settled(REQUESTS._replace(before=5), ("job_id", "asc")).before,
    "settled until": settling.settled_until,
    "counts": lambda: {
        name: merged_states.count(
            ALICE, filter_of(FILTERS[name]), ("available", "discarded"), page(direction="asc", limit=5), 30
        )
        for name in ("all", "label", "host", "schedule", "ids")
    },
}
READS = {
    "find": lambda: [job_store.find(ALICE, key) for key in (JOB["rich"], uuid_of("job", "done"), JOB["bob-ready"])],
    "as JSON": lambda: [
        job_json.job(job_store.find(ALICE, JOB[name]), "user", name == "done") for name in ("rich", "done", "cancelled")
    ],
    "args with bodies": lambda: [
        job_json.args(job_store.find(ALICE, JOB["ready"])._replace(body=b"\xffx", content_type=content_type))
        for content_type in ("application/octet-stream",)
    ],
    "attempts": lambda: [
        job_store.attempts_of(ALICE, JOB["failed"]),
        job_store.attempts_of(BOB, JOB["failed"]),
        job_store.attempts_of(ALICE, JOB["ready"]),
    ],
    "related": lambda: [
        [row.id for row in job_store.related_to(ALICE, JOB[name], 3, 0)]
        for name in ("running", "callback", "set-first", "ready")
    ],
    "related, next": lambda: [
        [row.id for row in job_store.related_to(ALICE, JOB["running"], 3, 3)],
        job_store.related_to(BOB, JOB["running"], 3, 0),
    ],
    "ids": lambda: [
        job_store.ids_of(ALICE, [JOB["done"], uuid_of("job", "rich"), JOB["bob-ready"]]),
        job_store.id_of(BOB, JOB["done"]),
    ],
    "last attempts": lambda: last_attempts.of_jobs(numbers("failed done ready")),
    "log": lambda: logged(limit=4),
    "log of a job": lambda: logged(LogFilter(job=JOB["failed"]), direction="asc"),
    "log of a job by uuid": lambda: logged(LogFilter(job=uuid_of("job", "done"))),
    "log of a job of another": lambda: logged(LogFilter(job=uuid_of("job", "bob-failed"))),
    "log of an event": lambda: logged(LogFilter(event="worker.http.error")),
    "log of a schedule": lambda: logged(LogFilter(schedule_id=SCHEDULE["hourly"])),
    "log before": lambda: logged(LogFilter(before=NOW - DAY)),
    "log after": lambda: logged(LogFilter(after=NOW - 60 * SECOND)),
    "log at its edges": lambda: [
        logged(LogFilter(after=NOW - 31 * SECOND), direction="asc", limit=1)[0],
        logged(LogFilter(before=NOW - 31 * SECOND), limit=1)[0],
    ],
    "log by event": lambda: logged(order="event", limit=3),
    "log by job": lambda: logged(order="job_id", direction="asc", limit=3),
    "log of bob": lambda: log_entries.listed(BOB, LogFilter(), page()),
    "log, settled": lambda: [
        log_entries.settled(LogFilter(), order).before for order in (("inserted_at", "asc"), ("inserted_at", "desc"))
    ],
    "entry": lambda: [
        log_entries.find(account_id, uuid_of("log_entry", "done 1 worker.http.request")) for account_id in (ALICE, BOB)
    ],
}


def logged(chosen=None, **columns):
    rows, end = log_entries.listed(ALICE, chosen or LogFilter(), page(**columns))
    return [[f"{row.job_id} {row.event} {row.payload}" for row in rows], end]


def operation(name):
    return operation_store.find(BOB if name.startswith("bob") else ALICE, uuid_of("operation", name))


def ordered(action, fields=(), at_most=None, account_id=ALICE, uuid=None):
    return bulk.create(account_id, action, json.dumps(dict(fields)), filter_of(dict(fields)), at_most, NOW, uuid, 3)


def worked_off(action, fields, rows=2, turns=9, at_most=None):
    first = ordered(action, fields, at_most)
    return [bulk.take_turn(first.id, rows, NOW + turn * SECOND) for turn in range(turns)]


def turn(name, rows=3):
    return bulk.take_turn(OPERATION[name], rows, NOW)


def operations(state=None, account_id=ALICE, **columns):
    rows, end = operation_store.listed(account_id, state, page(**columns))
    return [[row.id for row in rows], end]


BULK = {
    "create": lambda: ordered(CANCEL, {"label": "billing"}),
    "create with a limit": lambda: ordered(DELETE, {"before": NOW}, 3),
    "create with a limit that is not reached": lambda: ordered(RETRY, {"host": "shared.example"}, 99),
    "create with a known id": lambda: [
        ordered(RETRY, {}, uuid=uuid_of("operation", name)) for name in ("cancels", "bob-cancels")
    ],
    "until now": lambda: [
        bulk.until_now(ALICE, REQUESTS),
        bulk.until_now(CAROL, REQUESTS._replace(before=5)),
        bulk.until_now(BOB, REQUESTS._replace(until_id=7)),
    ],
    **{
        f"count to {action}": lambda action=action: [
            bulk.count(ALICE, action, filter_of(FILTERS[name])) for name in ("all", "label", "host", "state completed")
        ]
        for action in (CANCEL, RETRY, DELETE)
    },
    **{
        f"dry run to {action}": lambda action=action: [
            dry_runs.count(ALICE, action, filter_of(FILTERS[name]), most)
            for name in ("all", "label")
            for most in (None, 2, 3)
        ]
        for action in (CANCEL, RETRY, DELETE)
    },
    **of_each("a turn of", turn, "cancels replays deletes bounded held done-late counted"),
    "cancel all of a label": lambda: worked_off(CANCEL, {"label": "billing"}, turns=3),
    "retry two failures": lambda: worked_off(RETRY, {"state": "discarded", "replayed": False}, turns=2, at_most=2),
    "delete what ended": lambda: worked_off(DELETE, {"state": "completed"}, 3, 4),
    "list": operations,
    "list the running": lambda: operations("running", limit=2),
    "list the done": lambda: operations("done", direction="asc"),
    "list of bob": lambda: operations(account_id=BOB),
    "find": lambda: [operation("bounded"), operation_store.find(BOB, uuid_of("operation", "bounded"))],
    **of_each(
        "cancel",
        lambda name: operation_store.cancel(ALICE, uuid_of("operation", name), NOW),
        "cancels done-late bob-cancels",
    ),
    "next running": lambda: [
        each and each.id
        for each in (
            operation_store.next_running(after, skipped)
            for after, skipped in ((0, []), (ALICE, []), (BOB, []), (0, [OPERATION["cancels"], OPERATION["replays"]]))
        )
    ],
    "locked": lambda: [operation_store.locked(OPERATION[name]) and name for name in ("cancels", "done-late")],
    "count again": lambda: operation_store.store_count(OPERATION["cancels"], merged_states.Count(5, False), NOW),
    "count again one that is done": lambda: operation_store.store_count(
        OPERATION["done-late"], merged_states.Count(5, False), NOW
    ),
    "prune": lambda: operation_store.prune(NOW),
    "filters": lambda: operation_store.read_filter(
        operation_store.written(filter_of({"ids": (1, 2), "replayed": False, "after": 5}))
    ),
}


def explained(name):
    return explain.explain(explain.facts_of(ALICE, JOB[name], NOW), NOW)


def policy(**columns):
    known = retry_plan.policy_of(ALICE, JOB["rich"])
    return [at - NOW for at in retry_plan.coming(known._replace(**columns))]


FIGURES = {
    **of_each(
        "explain",
        explained,
        "ready rich soon named snoozed retry retry-due at-flow at-host at-stopped at-probing flow-ready "
        "running running-last lost acking listened taken away other-listener done failed given-up cancelled "
        "event-first event-second event-off alert-second hourly-next off-waiting queue-snoozed lost-again "
        "callback expired",
    ),
    "facts": lambda: explain.facts_of(ALICE, JOB["queue-waiting"], NOW),
    "facts of another": lambda: explain.facts_of(BOB, JOB["ready"], NOW),
    "without machinery": lambda: [
        explain.explain(
            explain.facts_of(ALICE, JOB["ready"], NOW + 2 * DAY)._replace(slots=5, slots_in_use=5, workers=workers),
            NOW + 2 * DAY,
        )
        for workers in (0, 1)
    ],
    "after crashes": lambda: [
        explain.explain(explain.facts_of(ALICE, JOB["snoozed"], NOW)._replace(crashes=crashes, ahead=ahead), NOW)
        for crashes, ahead in ((1, 1), (2, 10_001))
    ],
    "failures": lambda: failures.grouped(ALICE),
    "failures of late": lambda: [
        failures.grouped(ALICE, since=NOW - 23 * MINUTE, before=NOW - 90 * SECOND),
        failures.grouped(BOB),
    ],
    "failures of few": lambda: failures.grouped(ALICE, most=2),
    "failures of a group": lambda: [
        failures.of_group(ALICE, "discarded", "shared.example", "status_500"),
        failures.of_group(ALICE, "discarded", "shared.example", "status_501"),
    ],
    "failures listed": lambda: [
        failures_of({}),
        failures_of({"state": "retryable"}),
        failures_of({"replayed": True}),
        failures_of({"host": "shared.example"}, limit=1),
    ],
    "counts": lambda: [overview.counts(account_id, NOW) for account_id in (ALICE, BOB, CAROL)],
    "failing of late": lambda: [
        overview.failing_of_late(ALICE, NOW - ago) for ago in (MINUTE, 23 * MINUTE, HOUR, 99 * DAY)
    ],
    "upcoming": lambda: overview.upcoming(ALICE, 4),
    "upcoming of another": lambda: overview.upcoming(BOB, 9),
    "retry plan": lambda: [
        policy(),
        policy(retry_until=NOW + HOUR),
        policy(attempt=1, state="retryable"),
        policy(retry_until=None, backoff=None, max_attempts=4),
        policy(state="executing"),
    ],
    "retry plan of another": lambda: retry_plan.policy_of(BOB, JOB["rich"]),
    "causes": lambda: [
        waiting_causes.counted(ALICE, NOW),
        waiting_causes.counted(BOB, NOW),
        waiting_causes.counted(ALICE, NOW - 45 * SECOND),
    ],
}


def failures_of(fields, **columns):
    rows, end = failures.listed(ALICE, filter_of(fields), page(**columns))
    return [[row.id for row in rows], end]


def past(fields=(), first=NOW - HOUR, last=NOW, account_id=ALICE):
    rows, is_whole = past_attempts.read(account_id, filter_of(dict(fields)), first, last)
    return [[f"{row.job_id} {row.number}" for row in rows], is_whole]


def coming(fields=(), first=NOW, last=NOW + HOUR, slice_us=10 * MINUTE):
    rows, counts, _ = coming_jobs.waiting(ALICE, filter_of(dict(fields)), first, last, slice_us)
    return [[row.id for row in rows], counts]


TIMELINES = {
    **{
        f"past with {name}": lambda fields=FILTERS[name]: past(fields)
        for name in ("all", "label", "label prefix", "schedule", "host", "state discarded", "text", "status")
    },
    "past of a short time": lambda: past(first=NOW - 25 * MINUTE, last=NOW - 23 * MINUTE),
    "past of bob": lambda: past(account_id=BOB),
    "past, in full": lambda: past_attempts.read(ALICE, filter_of({"name": "failed"}), NOW - HOUR, NOW),
    **{
        f"coming with {name}": lambda fields=FILTERS[name]: coming(fields)
        for name in ("all", "label", "schedule", "host", "text", "flow")
    },
    "coming of a short time": lambda: coming(first=NOW + 3 * SECOND, last=NOW + 8 * SECOND),
    "overdue": lambda: [job.id for job in coming_jobs.overdue(ALICE, REQUESTS, NOW - MINUTE, NOW + 1).jobs],
    "overdue of a flow": lambda: coming_jobs.overdue(ALICE, filter_of({"flow": "shop"}), 0, NOW + 1).jobs,
    "running": lambda: [job.id for job in coming_jobs.running(ALICE, REQUESTS).jobs],
    "running of a host": lambda: coming_jobs.running(ALICE, filter_of({"host": "closed.example"})).jobs,
    "active": lambda: [
        sorted(ids) if isinstance(ids, tuple) else ids
        for ids in active_jobs.between(ALICE, REQUESTS, NOW - 10 * SECOND, NOW + 9 * SECOND)
    ],
    "active of a schedule": lambda: active_jobs.between(
        ALICE, filter_of({"schedule": "key-hourly"}), NOW - 2 * HOUR, NOW - HOUR
    ),
    "attempts by slice": lambda: [
        attempt_counts.by_slice(account_id, NOW - 4 * MINUTE, NOW + MINUTE, 2 * MINUTE) for account_id in (ALICE, BOB)
    ],
    "attempts by hour": lambda: attempt_counts.by_slice(ALICE, NOW - 27 * HOUR, NOW, HOUR),
    "planned": lambda: [
        [each.name, each.at]
        for each in planned_instants.ahead(ALICE, NOW + 3 * HOUR)
        if each.name != "the skip schedule"
    ],
    "planned of one": lambda: planned_instants.ahead(ALICE, NOW + 3 * HOUR, SCHEDULE["hourly"]),
    "planned of bob": lambda: planned_instants.ahead(BOB, NOW + 3 * HOUR),
    "hosts": lambda: host_figures.of_attempts(
        past_attempts.read(ALICE, REQUESTS, NOW - HOUR, NOW).attempts, NOW - HOUR, NOW, 3
    )[:4],
    "gates of hosts": lambda: {
        key: gate.id for key, gate in host_figures.gates_of(ALICE, ["closed.example", "failing.example", "x"]).items()
    },
    "failing hosts": lambda: [host_figures.failing(account_id) for account_id in (ALICE, BOB, CAROL)],
}
TEXTS = {"lists": LISTS, "reads": READS, "bulk": inside(BULK, "locked"), "figures": FIGURES, "timelines": TIMELINES}


@pytest.mark.parametrize("name", TEXTS)
def test_reads_return_as_recorded(scenario, name):
    RECORDED.compare(name, scenario.text_of(TEXTS[name]))


def test_each_text_is_of_some_actions():
    RECORDED.are_exactly(TEXTS)
