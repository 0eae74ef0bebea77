"""What each action on jobs returns and changes in the database, from a state that is rich in differences."""

import json
from pathlib import Path

import pytest

from models.database.connection import database
from models.flows import orders, sets
from models.jobs import (
    batches,
    dedup_windows,
    idempotent_requests,
    job_store,
    labels,
    lifecycle,
    records,
    replays,
    staging,
)
from models.jobs.job_store import DedupWindow, NewJob
from models.operations import cancelling, changing
from models.rules.clock import DAY, HOUR, MINUTE, SECOND
from models.rules.limits import FLOW, LANE, GateName, Limits
from models.schedules import cancel as cancels
from models.webhooks import delivery_config, event_order, notifications
from models.webhooks.notifications import JobEvent
from tests.support.clocks import START as NOW
from tests.support.recorded import Recorded
from tests.support.rich.asking import ALICE, BOB, held, ids, in_any_order, in_turn, inside, numbers, of_each
from tests.support.rich.names import JOB, SCHEDULE, WINDOW, uuid_of

RECORDED = Recorded(Path(__file__).with_name("recorded") / "jobs")
WAITING = (
    "ready rich soon named snoozed later keyed windowed retry retry-due at-flow at-host flow-ready narrow-ready "
    "lane-first lane-second closed-ready probe-ready hourly-due event-off event-gone channel-message bob-ready running"
)


def new(name="fresh", account_id=ALICE, due=NOW, **columns):
    args = {"method": "post", "url": f"https://{name}.example/in"}
    return NewJob(account_id, json.dumps(args), None, None, due, name=name, host=f"{name}.example", **columns)


def full(**columns):
    """A new job with a value in every column."""
    values = {
        **{"description": "why", "idempotency_key": "key-new", "max_attempts": 9, "timeout_ms": 45_000, "hops": 4},
        **{"backoff": '{"fixed":7}', "retry_until": NOW + 8 * HOUR, "redact": '["x-a"]', "labels": ("l-1", "l-2")},
        **{"notify": '{"callback":"https://c.example/"}', "parent_id": JOB["done"], "endpoint_id": 77, "flow_id": 78},
        **{"lane_id": 79, "ack_within_us": 80 * SECOND, "judging": '{"stop_on":["4xx"]}', "traceparent": "00-trace"},
        **{"schedule_id": SCHEDULE["weekly"], "fire_at": NOW + HOUR, "start_by": NOW + 2 * HOUR, "kind": "group"},
        **{"after_uuid": uuid_of("job", "done"), "held_until": NOW + 3 * HOUR, "uuid": uuid_of("job", "of a client")},
    }
    job = new("full", due=NOW + 5 * MINUTE)
    return job._replace(body=b'{"b":1}', content_type="application/json")._replace(**(values | columns))


def windowed(name, digest, for_s=70, **columns):
    return new(name, dedup=DedupWindow(digest, for_s * SECOND), **columns)


def digest_of(name):
    return database.execute_sql("SELECT digest FROM dedup_window WHERE id = %s", (name,)).fetchone()[0]


HELD = "5d1a3b8c4d21b2f9bd6f1f0a6e7f1e0e"
FLOW_NEW = GateName(FLOW, "fresh", Limits(4, 30 * SECOND, 5))
FLOW_KNOWN = GateName(FLOW, "shop")
FLOW_CHANGED = GateName(FLOW, "narrow", Limits(8, MINUTE, 2))
FLOW_PINNED = GateName(FLOW, "pinned", Limits(9, MINUTE, 3))
LANE_NEW = GateName(LANE, "fresh", Limits(stops=1))
LANE_KNOWN = GateName(LANE, "user")
LANE_OTHER = GateName(LANE, "other")

CREATING = {
    "a plain job": lambda: job_store.create(new(), NOW),
    "a job with every column": lambda: job_store.create(full(), NOW),
    "a job that was due": lambda: job_store.create(new(due=NOW - HOUR), NOW),
    "a job that is due in a microsecond": lambda: job_store.create(new(due=NOW + 1), NOW),
    "a job with a key that another account holds": lambda: job_store.create(
        new(account_id=BOB, idempotency_key="key-rich"), NOW
    ),
    "a job with a key that is held": lambda: job_store.create(new(idempotency_key="key-rich", labels=("x",)), NOW),
    "many jobs": lambda: job_store.create_many(
        [new("m-1", labels=("m",)), full(idempotency_key="key-1"), new("m-2")], NOW
    ),
    "a batch with keys": lambda: batches.create_each(
        [new(f"b-{place}", idempotency_key=key) for place, key in enumerate(["z", None, "key-1", "a", "z"])], NOW
    ),
    "an order without gates": lambda: orders.create(new(labels=("o",)), NOW),
    "an order with new gates": lambda: orders.create(new(gates=(FLOW_NEW, LANE_NEW)), NOW),
    "an order with known gates": lambda: orders.create(new(gates=(FLOW_KNOWN, LANE_KNOWN)), NOW),
    "an order that changes limits": lambda: orders.create(new(gates=(FLOW_CHANGED, LANE_OTHER)), NOW),
    "an order for a pinned flow": lambda: orders.create(new(gates=(FLOW_PINNED,)), NOW),
    "orders together": lambda: orders.create_each(
        [
            new("t-1", gates=(FLOW_NEW,)),
            new("t-2", gates=(GateName(FLOW, "fresh"),)),
            new("t-3", gates=(LANE_NEW,)),
            new("t-4"),
        ],
        NOW,
    ),
    "an order with a free window": lambda: orders.create(windowed("w-free", HELD), NOW),
    "orders with one window": lambda: orders.create_each(
        [windowed("w-1", "d-1"), windowed("w-2", "d-1"), windowed("w-3", "d-0", 90), new("w-4")], NOW
    ),
    "an order with a window and a held key": lambda: orders.create(
        windowed("w-key", "d-2", idempotency_key="key-rich"), NOW
    ),
    "a set": lambda: sets.create(
        [
            full(kind="request", gates=(FLOW_KNOWN,)),
            new("s-2", gates=(LANE_KNOWN,), idempotency_key="key-s2"),
            windowed("s-3", "d-3"),
        ],
        NOW,
    ),
    "a set with a held key": lambda: sets.create([new("s-1", idempotency_key="key-set"), new("s-2")], NOW),
    "labels": lambda: labels.add([(ALICE, "new", NOW, JOB["ready"]), (BOB, "new", NOW + 1, JOB["bob-ready"])]),
    "readdressed": lambda: job_store.readdress(
        numbers("ready running retry done"), '{"url":"https://n.example"}', "n.example"
    ),
}
CREATING |= {
    f"an order with the window {name}": lambda number=number: orders.create(windowed("w-known", digest_of(number)), NOW)
    for name, number in (*WINDOW.items(),)
}


def responding(key, fingerprint="print-kept", account_id=ALICE):
    return idempotent_requests.respond_once(account_id, key, fingerprint, NOW, lambda: (207, '{"new":1}'))


ONCE = {
    "a new key": lambda: responding("new"),
    "a kept key": lambda: responding("kept"),
    "a kept key with another request": lambda: responding("kept", "print-other"),
    "a kept key of another account": lambda: responding("kept", account_id=BOB),
    "an old key": lambda: responding("old"),
    "a key at its edge": lambda: responding("edge"),
    "pruning all": lambda: idempotent_requests.prune(9, NOW),
    "pruning the oldest": lambda: idempotent_requests.prune(1, NOW),
    "pruning windows": lambda: dedup_windows.prune(9, NOW),
    "pruning the oldest window": lambda: dedup_windows.prune(1, NOW),
}


def claimed(names, limited=False):
    return lifecycle.claim(numbers(names), NOW, 7 * SECOND, 9, limited)


LIFE = {
    "change": lambda: lifecycle.change(JOB["windowed"], {"name": "other", "timeout_ms": 5}),
    "change one that was attempted": lambda: lifecycle.change(JOB["retry"], {"name": "other"}),
    "change a parked one": lambda: lifecycle.change(JOB["at-host"], {"hops": 5}),
    "reschedule": lambda: lifecycle.reschedule(JOB["snoozed"], {"name": "other"}, NOW + HOUR),
    "reschedule a named one": lambda: lifecycle.reschedule(JOB["named"], {}, NOW + HOUR),
    "reschedule one under way": lambda: lifecycle.reschedule(JOB["running"], {}, NOW + HOUR),
    "hasten": lambda: in_any_order(lifecycle.hasten(numbers("retry retry-due retry-now soon event-tried done"), NOW)),
    "claim": lambda: ids(claimed(WAITING)),
    "claim with limits": lambda: ids(claimed(WAITING, limited=True)),
    "claim a rich job": lambda: in_any_order(lifecycle.claim(numbers("rich"), NOW + 2 * HOUR, 8 * SECOND, None, True)),
    "claim a long job": lambda: [
        lifecycle.change(JOB["ready"], {"timeout_ms": 900_001}),
        ids(claimed("ready")),
    ],
    "extend": lambda: lifecycle.extend([(job, NOW + HOUR) for job in held("running acking cancelled-running lost")]),
    "extend with another fence": lambda: lifecycle.extend([(held("running")[0]._replace(claim_id=1), NOW + HOUR)]),
    "wait for acks": lambda: lifecycle.wait_for_acks(
        [(job, NOW + MINUTE) for job in held("lost-again acking cancelled-running")]
    ),
    "hand over": lambda: lifecycle.hand_over(held("running acking cancelled-running")),
    "keep acknowledged": lambda: [lifecycle.keep_acknowledged(job.id, job.claim_id) for job in held("acking running")],
    "complete": lambda: lifecycle.complete(held("lost-again running acking cancelled-running retry"), NOW + 1),
    "discard": lambda: lifecycle.discard(held("lost-third running acking cancelled-running"), NOW + 2),
    "release": lambda: lifecycle.release(held("lost-again running acking cancelled-running")),
    "give back unknown": lambda: lifecycle.give_back_unknown(numbers("running lost"), held("running")[0].claim_id),
    "retry": lambda: lifecycle.retry([(job, NOW + 3) for job in held("lost-again running acking cancelled-running")]),
    "cancel": lambda: in_any_order(
        lifecycle.cancel(numbers("ready retry running acking named at-flow done"), NOW + 4, waiting_only=False)
    ),
    "cancel what waits": lambda: in_any_order(
        lifecycle.cancel(numbers("ready retry running acking"), NOW + 5, waiting_only=True)
    ),
    "cancel if free": lambda: in_any_order(
        lifecycle.cancel(numbers("ready running-flow hourly-due"), NOW + 6, False, if_free=True)
    ),
    "close cancelled claims": lambda: lifecycle.close_cancelled_claims(held("running cancelled-running cancelled-ack")),
    "cancelled of": lambda: lifecycle.cancelled_of(held("running cancelled-running")),
    "held of": lambda: lifecycle.held_of([*held("running lost"), held("acking")[0]._replace(claim_id=5)]),
    "withdraw": lambda: lifecycle.withdraw(held("running cancelled-running")),
    "first lost": lambda: [
        lifecycle.first_lost(0, NOW),
        lifecycle.first_lost(NOW - SECOND, NOW),
        lifecycle.first_lost(NOW - 3 * SECOND + 1, NOW - 2 * SECOND - 1),
    ],
    "rescue": lambda: in_any_order(lifecycle.rescue(NOW)),
    "rescue some": lambda: in_any_order(lifecycle.rescue(NOW, NOW - 2 * SECOND, NOW - 4 * SECOND)),
    "discard lost": lambda: in_any_order(lifecycle.discard_lost(NOW)),
    "discard some lost": lambda: in_any_order(lifecycle.discard_lost(NOW, NOW - 2 * SECOND, NOW - 2 * SECOND)),
    "end cancelled": lambda: in_any_order(lifecycle.end_cancelled(NOW)),
    "end all cancelled": lambda: in_any_order(lifecycle.end_cancelled(NOW, NOW + HOUR, NOW)),
    "prune": lambda: lifecycle.prune(0, dict.fromkeys(("completed", "discarded", "cancelled"), NOW - 30 * DAY), 999),
    "prune the completed": lambda: lifecycle.prune(JOB["done"], {"completed": NOW - HOUR}, 2),
    "prune until a young one": lambda: lifecycle.prune(
        0, {"completed": NOW - 30 * DAY, "discarded": NOW - 31 * DAY}, 3
    ),
    "delete": lambda: in_any_order(
        lifecycle.delete(numbers("done failed copy cancelled-running ready bob-failed failed-seen"))
    ),
    "range of ids": lifecycle.id_range,
}

STAGING = {
    "stage": lambda: staging.stage(NOW, 0, NOW + 10 * SECOND, 100),
    "stage requests": lambda: staging.stage(NOW, NOW - 2 * SECOND, NOW, 100, requests_only=True),
    "stage few": lambda: staging.stage(NOW, NOW, NOW + 4 * SECOND, 2),
    "due": lambda: staging.due(NOW - 2 * SECOND, NOW + 5 * SECOND, 100),
    "first due": lambda: [staging.first_due(0, NOW), staging.first_due(NOW + 1, NOW + HOUR), staging.first_due(1, 2)],
    "stage parked": lambda: staging.stage_parked(
        [(job_id, NOW + n) for n, job_id in enumerate(numbers("at-flow-next at-host ready"))]
    ),
    "unstage": lambda: staging.unstage(numbers("named running ready")),
    "unstage none": lambda: staging.unstage([]),
    "unstage unpublished": lambda: staging.unstage_unpublished(numbers("named running")),
    "unstage lost": lambda: in_turn(
        lambda: staging.stage(NOW, 0, NOW, 3),
        lambda: staging.unstage_lost(NOW, NOW - 1),
        lambda: staging.unstage_lost(NOW + 1, NOW + 1),
        lambda: staging.unstage_lost(NOW + 1, NOW),
    ),
    "snooze": lambda: staging.snooze(numbers("ready snoozed named at-flow retry-due running rich"), NOW, 250_000),
    "snooze often": lambda: in_turn(
        *[lambda: staging.stage(NOW, 0, NOW + MINUTE, 1)] * 1,
        *[lambda: [staging.snooze(numbers("snoozed"), NOW, 100_000), staging.stage(NOW, NOW, NOW + 9 * SECOND, 50)]]
        * 3,
    ),
    "release hold": lambda: staging.release_hold(numbers("snoozed at-flow ready running")),
    "pause": lambda: staging.pause(numbers("ready at-flow named running")),
    "resume": lambda: [
        staging.pause(numbers("event-second ready")),
        staging.resume(numbers("event-second ready soon"), NOW + 9),
    ],
    "release events": lambda: staging.release_events(numbers("event-second ready alert-second")),
    "wait behind": lambda: staging.wait_behind(
        numbers("event-second event-third ready"), [uuid_of("job", each) for each in ("done", "copy", "ready")]
    ),
    "unclaimed": lambda: [
        staging.stage(NOW, 0, NOW, 1) and None,
        staging.unclaimed(numbers("named rich ready snoozed"), NOW),
    ],
    "counts": lambda: [
        staging.staged_between(0, NOW + 4 * SECOND, 9),
        staging.staged_between(0, NOW + 4 * SECOND - 1, 9),
        staging.parked_staged(0, NOW + HOUR, 9),
        staging.first_staged(0),
        staging.first_staged(NOW + 4 * SECOND + 1),
    ],
    "counts after staging": lambda: [
        len(staging.stage_parked([(job_id, NOW) for job_id in numbers("at-flow at-host")])),
        staging.staged_between(NOW, NOW, 9),
        staging.staged_between(0, NOW + HOUR, 2),
        staging.parked_staged(0, NOW, 9),
        staging.parked_staged(0, NOW, 1),
    ],
    "backlog": lambda: [staging.backlog(NOW, 99), staging.backlog(NOW, 2), staging.backlog(NOW, 99, NOW - SECOND, NOW)],
    "backlog with marks": lambda: [
        len(staging.stage(NOW, 0, NOW, 5)),
        staging.backlog(NOW, 99),
        staging.backlog(NOW, 99, NOW, NOW + 1),
    ],
}

CANCELS = {
    **of_each(
        "cancel",
        lambda name: cancelling.cancel(ALICE, JOB[name], NOW),
        "ready rich running acking at-lane-head hourly-due done bob-ready",
    ),
    "cancel by uuid": lambda: cancelling.cancel(ALICE, uuid_of("job", "soon"), NOW),
    "cancel the job that others wait for": lambda: cancelling.cancel(ALICE, JOB["queue-running"], NOW),
    "cancel all": lambda: cancelling.cancel_all(ALICE, numbers("ready running done bob-ready cancelled"), NOW),
    "cancel with rows of instants": lambda: cancels.cancel(
        numbers("hourly-due hourly-running filled soon"), "because", "disabled", NOW, False
    ),
    "cancel what was missed": lambda: cancels.cancel(
        numbers("missed-old missed-now"), "too late", "skipped_misfire", NOW, if_free=True
    ),
    "cancel of a schedule": lambda: cancels.cancel_of_schedule(SCHEDULE["hourly"], "off", "disabled", NOW),
    "cancel some of a schedule": lambda: cancels.cancel_of_schedule(
        SCHEDULE["hourly"], "changed", None, NOW, "fire_at > %s", (NOW,)
    ),
    "cancel a callback and an event": lambda: cancels.cancel(
        numbers("callback event-first channel-message"), "gone", None, NOW
    ),
}


def renamed(row, hops):
    return new("renamed", due=row.scheduled_at, hops=hops, labels=("n-1", "n-2"))


def changed(name, make=renamed):
    return changing.change(ALICE, JOB[name], ["name", "labels"], make, NOW)


def moved(row, hops):
    return full(hops=hops + 1)


CHANGING = {
    **of_each("change", changed, "ready at-flow rich retry running callback hourly-next done bob-ready"),
    **of_each("move", lambda name: changed(name, moved), "keyed at-lane-next later retry"),
    "change nothing": lambda: changing.change(
        ALICE, uuid_of("job", "soon"), ["x"], lambda row, hops: same(row, "soon"), NOW
    ),
    **of_each(
        "run now",
        lambda name: changing.run_now(ALICE, JOB[name], NOW),
        "ready soon at-flow retry event-tried hourly-next callback running done bob-scheduled rich",
    ),
    "run again": lambda: changing.run_again(
        ALICE, numbers("soon retry running done failed event-tried hourly-next"), NOW
    ),
    "replay": lambda: replays.replay(ALICE, numbers("failed rich done bob-failed callback hourly-done"), NOW),
    "replay once": lambda: in_turn(
        lambda: replays.replay(ALICE, numbers("failed done"), NOW, "token", 6),
        lambda: replays.replay(ALICE, numbers("failed copy"), NOW, "token", 6),
    ),
    "replayed": lambda: replays.replayed(ALICE, numbers("rich set-first"), NOW),
    "rescheduled": lambda: replays.rescheduled(new(), {"max_age": "2h", "url": "x"}, NOW + DAY),
    "links": lambda: replays.links_of(ALICE, numbers("copy copied copied-again failed-seen ready")),
    "links of another": lambda: replays.links_of(BOB, numbers("copy copied")),
}


def same(row, name):
    place = list(JOB).index(name)
    return new(name, due=row.scheduled_at, max_attempts=5 + place % 4, timeout_ms=30_000 + place)._replace(
        args=row.args
    )


def entries():
    rows = [
        records.log_row(ALICE, JOB[name], schedule, "worker.job.changed", {"n": number}, NOW - number)
        for number, (name, schedule) in enumerate((("ready", None), ("hourly-due", SCHEDULE["hourly"]), ("soon", None)))
    ]
    late = records.log_row(ALICE, JOB["done"], None, "worker.http.error", {"big": 2**70, "raw": [1.5]}, NOW - HOUR)
    return [late, *rows]


RECORDS = {
    "log entries": lambda: records.add_log_entries(entries()),
    "attempts": lambda: records.add_attempts(
        [
            records.AttemptRow(JOB["ready"], 1, 2, 3, 4, "answered", 5, "why", 6.5, 7.5, 8.5, 9.5, 10.5, 11),
            records.AttemptRow(JOB["done"], 2, 2, 3, 4, "lost"),
        ]
    ),
    "release next events": lambda: event_order.release_next_events(numbers("running done")),
    "release left over events": lambda: event_order.release_left_over_events(NOW),
    "untried events": lambda: event_order.untried_events(numbers("running done failed bob-running")),
}


def happened(*events):
    return notifications.add(
        [JobEvent(JOB[name], event_type, NOW + place, about) for place, (name, event_type, about) in enumerate(events)],
        lambda account_id: delivery_config.of_accounts([account_id])[account_id],
        NOW,
    )


ENDED = {"response": {"status": 200}, "error": None, "timings": {"total_ms": 1.5}}
NOTIFYING = {
    "a start": lambda: happened(("running", "job.started", {}), ("running", "job.request", {"attempt": 1})),
    "an end": lambda: happened(("done-slow", "job.finished", ENDED)),
    "a failed end": lambda: [
        lifecycle.discard(held("running"), NOW),
        happened(("running", "job.finished", ENDED | {"error": "status_500"})),
    ],
    "a try": lambda: happened(("rich", "job.tried", ENDED | {"next_at": "soon"}), ("lost-last", "job.tried", ENDED)),
    "an end that did not happen": lambda: happened(("running", "job.finished", ENDED)),
    "of another account": lambda: happened(("bob-rich", "job.error", {"attempt": 2})),
    "of a callback": lambda: happened(("callback", "job.finished", ENDED)),
    "cancelled": lambda: notifications.notify_cancelled(numbers("cancelled rich bob-rich"), NOW),
}
TEXTS = {
    **{
        "creating": CREATING,
        "once": ONCE,
        "life": inside(LIFE, "rescue", "rescue some", "discard lost", "discard some lost"),
        "staging": STAGING,
        "cancelling": CANCELS,
    },
    **{"changing": CHANGING, "records": RECORDS, "notifying": NOTIFYING},
}


@pytest.mark.parametrize("name", TEXTS)
def test_jobs_change_as_recorded(scenario, name):
    RECORDED.compare(name, scenario.text_of(TEXTS[name], bodies=name == "notifying"))


def test_each_text_is_of_some_actions():
    RECORDED.are_exactly(TEXTS)
