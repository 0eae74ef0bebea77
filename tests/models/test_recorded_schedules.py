"""What each action on schedules, their instants and their calendars returns and changes in the database."""

import json
from functools import partial
from pathlib import Path

import pytest

from models.database.sql import execute
from models.database.transactions import transaction
from models.jobs.job_store import NewJob
from models.operations import claims
from models.rules.clock import DAY, HOUR, MINUTE, SECOND
from models.rules.limits import FLOW, LANE, GateName, Limits
from models.schedules import (
    change_check,
    disable,
    firing_rows,
    health,
    health_events,
    misfire,
    overlap,
    planning,
    ready_jobs,
    run_results,
    schedule_changes,
    schedule_memory,
    schedule_store,
)
from models.schedules.backfills import backfill_store, backfill_turns
from models.schedules.calendars import calendar_changes, calendar_store, moving
from models.schedules.firing_rows import FiringRow
from models.schedules.health_events import HealthEventRow
from models.schedules.misfire import Room
from models.schedules.planning import Planned
from models.schedules.put_off import PutOff
from models.schedules.schedule_memory import FinishedJob
from models.schedules.schedule_store import NewSchedule
from models.schedules.schedule_tables import Schedule
from tests.support.clocks import START as NOW
from tests.support.recorded import Recorded
from tests.support.rich.asking import ALICE, BOB, in_turn, inside, numbers, of_each
from tests.support.rich.names import CALENDAR, JOB, SCHEDULE, uuid_of

RECORDED = Recorded(Path(__file__).with_name("recorded") / "schedules")
HOURLY = {"repeat_every": [1, "hour"]}


def new(name="fresh", frequency=HOURLY, first_in_s=90, account_id=ALICE, job=(), **policies):
    """A schedule to be stored; `job`: fields of its jobs."""
    args = json.dumps({"method": "post", "url": f"https://{name}.example/in"})
    order = NewJob(account_id, args, None, None, NOW, name=f"the {name}", host=f"{name}.example")._replace(**dict(job))
    first_at = None if first_in_s is None else NOW + first_in_s * SECOND
    return NewSchedule(order, json.dumps(frequency), first_at, **policies)


RICH_JOB = {
    **{"body": b'{"b":1}', "content_type": "application/json", "description": "why", "idempotency_key": "key-new"},
    **{"max_attempts": 9, "timeout_ms": 45_000, "hops": 4, "backoff": '{"fixed":7}', "retry_until": NOW + 8 * MINUTE},
    **{"redact": '["x-a"]', "labels": ("l-1", "l-2"), "notify": '{"callback":"https://c.example/"}'},
    **{"ack_within_us": 80 * SECOND, "judging": '{"stop_on":["4xx"]}', "traceparent": "00-trace"},
    "gates": (GateName(FLOW, "fresh", Limits(4, 30 * SECOND, 5)), GateName(LANE, "user")),
}
RICH_POLICIES = {
    **{"key": "key-rich", "jitter_us": 60 * SECOND, "overlap": "queue_one", "misfire": "all"},
    **{"catch_up_us": 50 * MINUTE, "disable_after": 6},
}


def rich(**columns):
    return new("rich", {"cron": "30 9 * * *", "timezone": "Asia/Tokyo"}, 95, job=RICH_JOB, **(RICH_POLICIES | columns))


def create(schedule, at_most=99):
    return schedule_changes.create(schedule, NOW, at_most)


def put(schedule, at_most=99):
    return schedule_changes.put(schedule, NOW, at_most)


def like(name, **columns):
    """A definition that differs from the stored one in these columns alone."""
    row = Schedule.get_by_id(SCHEDULE[name])
    template = json.loads(row.template)
    fields = {field: tuple(value) if isinstance(value, list) else value for field, value in template.items()}
    fields.pop("max_age_us")
    values = {"name": row.name, "description": row.description, "body": row.body, "content_type": row.content_type}
    args = columns.pop("args", row.args)
    order = NewJob(row.account_id, args, scheduled_at=NOW, **{**fields, **values, **columns.pop("job", {})})
    policies = {
        each: getattr(row, each) for each in ("overlap", "misfire", "catch_up_us", "disable_after", "frequency")
    }
    return NewSchedule(order, **({"key": row.key, "first_at": NOW + 77 * SECOND, "jitter_us": 0} | policies | columns))


def replaced(name, at_most=99, **columns):
    return schedule_changes.replace(ALICE, SCHEDULE[name], like(name, **columns), NOW, at_most)


MAKING = {
    "create": lambda: create(new()),
    "create a rich one": lambda: create(rich()),
    "create with a held key": lambda: create(new(job={"idempotency_key": "key-rich"})),
    "create beyond the limit": lambda: create(new(), 15),
    "create at the limit": lambda: create(new(), 16)[2],
    "create without an instant": lambda: create(new(first_in_s=None)),
    "create with a calendar": lambda: create(
        new(frequency=HOURLY | {"exclude": {"calendars": ["holidays"]}}, first_in_s=86_400)
    ),
    "create with a calendar that is not there": lambda: create(
        new(frequency=HOURLY | {"exclude": {"calendars": ["bob"]}})
    ),
    "put a new one": lambda: put(rich()),
    "put one that is finished at once": lambda: put(new(key="key-late", first_in_s=None)),
    "put what is stored": lambda: put(like("allow")),
    "put another spelling": lambda: put(like("allow", frequency='{"repeat_every": 180}')),
    "put another frequency": lambda: put(like("allow", frequency='{"repeat_every": 181}')),
    "put a key of another account": lambda: put(new(key="key-allow", account_id=BOB)),
    "replace a name": lambda: replaced("hourly", job={"name": "renamed"}),
    "replace the body": lambda: replaced("weekly", job={"body": b"{}", "content_type": "application/json"}),
    "replace a policy": lambda: replaced("weekly", catch_up_us=5),
    "replace an interval's end": lambda: replaced(
        "weekly", frequency='{"repeat_every": [1, "week"], "until": "2026-01-03T00:00:00Z"}'
    ),
    "replace a frequency": lambda: replaced("weekly", frequency='{"cron": "0 12 * * *"}'),
    "replace of a disabled one": lambda: replaced("off", frequency='{"repeat_every": 50}'),
    "replace of a finished one": lambda: replaced("finished", frequency='{"repeat_every": 51}'),
    "replace of a finished one beyond the limit": lambda: replaced("finished", 14, frequency='{"repeat_every": 51}'),
    "replace that was overtaken": lambda: schedule_changes.replace(
        ALICE, SCHEDULE["weekly"], like("weekly"), NOW, 99, schedule_store.find(ALICE, SCHEDULE["cron"])
    ),
    "replace of another account": lambda: schedule_changes.replace(BOB, SCHEDULE["weekly"], like("weekly"), NOW, 99),
    **of_each(
        "disable",
        lambda name: schedule_changes.disable(ALICE, f"key-{name}", NOW),
        "hourly off missed finished bob-hourly",
    ),
    "disable for a reason": lambda: disable.disable(SCHEDULE["weekly"], "a reason", NOW),
    "disable one that can't be computed": lambda: disable.disable_not_computable(SCHEDULE["hourly"], ALICE, NOW),
    **of_each("enable", lambda name: schedule_changes.enable(ALICE, f"key-{name}", NOW, 99), "off hourly bob-hourly"),
    "enable beyond the limit": lambda: schedule_changes.enable(ALICE, "key-off", NOW, 14),
    **of_each("delete", lambda name: schedule_changes.delete(ALICE, SCHEDULE[name], NOW), "hourly skip bob-hourly"),
    **of_each(
        "fire now",
        lambda name: schedule_changes.fire_now(ALICE, SCHEDULE[name], NOW),
        "hourly off group missed bob-hourly",
    ),
    "fire twice": lambda: [schedule_changes.fire_now(ALICE, "key-weekly", NOW) and None for _ in range(2)],
    **of_each("check", lambda name: change_check.change_by(like(name)), "allow"),
    "check another frequency": lambda: change_check.change_by(like("allow", frequency='{"repeat_every": 9}')),
    "check a finished one": lambda: change_check.change_by(like("finished", frequency='{"repeat_every": 9}')),
    "check a finished one that stays so": lambda: change_check.change_by(like("finished")),
    "check a new one": lambda: change_check.change_by(new(key="key-new")),
    "check a new one without an instant": lambda: change_check.change_by(new(key="key-new", first_in_s=None)),
}


def planned(name):
    row = Schedule.get_by_id(SCHEDULE[name])
    return Planned(*(getattr(row, each) for each in Planned._fields))


def plan_of(name, now=NOW, **columns):
    plan = planning.plan_next(planned(name)._replace(**columns), now)
    rows = [[row.status, row.fire_at, row.until_at, row.instants, row.job_id, row.decided_at] for row in plan.rows]
    return [cut(plan.instants), cut(rows), plan.next_at, plan.room]


def cut(rows):
    """How many, and the first and the last of them."""
    return rows if len(rows) < 8 else [len(rows), *rows[:2], *rows[-2:]]


def broken(name, frequency='{"cron": "0 0 * * *", "timezone": "Mars/Base"}', next_at=NOW):
    execute("UPDATE schedule SET frequency = %s, next_at = %s WHERE id = %s", (frequency, next_at, SCHEDULE[name]))


PLANNING = {
    "first due": lambda: [
        planning.first_due(0, NOW),
        planning.first_due(NOW - HOUR, NOW),
        planning.first_due(NOW, NOW),
    ],
    "plan": lambda: planning.plan(NOW, 99),
    "plan few": lambda: planning.plan(NOW + MINUTE, 2),
    "plan from an instant on": lambda: planning.plan(NOW, 99, first=NOW - 40 * MINUTE),
    "plan some that are put off": lambda: in_turn(
        lambda: broken("weekly"),
        lambda: broken("allow", next_at=NOW - DAY - 1),
        lambda: [planning.plan(NOW, 99, put_off := PutOff()), sorted(put_off.ids(NOW)), put_off.ids(NOW + MINUTE)],
    ),
    "plan those locked": lambda: planning.plan_locked([SCHEDULE["behind"], SCHEDULE["weekly"]], NOW),
    **{
        f"the plan of missed instants with {policy}": partial(plan_of, "missed", misfire=policy, catch_up_us=5 * MINUTE)
        for policy in ("skip", "once", "all")
    },
    "the plan with few runs left": lambda: plan_of("missed", frequency='{"repeat_every":600,"max_runs":30}', runs=28),
    "the plan of one that is not late": lambda: plan_of("skip", NOW + SECOND),
    "the plan at the edge of late": lambda: [
        plan_of("skip", NOW + 71 * SECOND),
        plan_of("skip", NOW + 71 * SECOND + 1),
    ],
    "the plan with jitter": lambda: plan_of("skip", NOW + 75 * SECOND, offset_us=20 * SECOND),
    "the plan of an outage": lambda: plan_of(
        "skip", NOW + 40_000 * SECOND, misfire="skip", catch_up_us=39_000 * SECOND
    ),
    "the job of an instant": lambda: planning.job_at(planned("hourly"), NOW + HOUR),
    "the job of another instant": lambda: planning.job_at(planned("daily"), NOW + 14 * HOUR),
    "move on": lambda: planning.move_on(
        [planning.Move(SCHEDULE["skip"], NOW + SECOND, None, 3), planning.Move(SCHEDULE["cron"], 1, 2, 3)]
    ),
}


def claim(names, now=NOW):
    return sorted([job.id, job.attempt, str(job.memory)] for job in claims.claim(numbers(names), now, 7 * SECOND, 9))


def chosen(names, now=NOW):
    return sorted(overlap.choose(numbers(names), now).ids)


OF_SCHEDULES = (
    "hourly-due cron-due skip-behind queue-waiting queue-snoozed allow-old allow-new missed-old missed-older "
    "missed-now gone-schedule off-waiting off-edge off-new group-due filled expired-recent hourly-next"
)
TURNS = {
    "claim everything": lambda: claim(OF_SCHEDULES),
    **of_each("claim", claim, OF_SCHEDULES),
    "claim what was missed": lambda: claim("missed-old missed-older missed-now"),
    "claim beside another": lambda: [
        execute("UPDATE schedule SET overlap = 'allow'"),
        claim("queue-waiting queue-snoozed skip-behind"),
    ],
    "claim what is late by a minute": lambda: claim("skip-behind hourly-due", NOW + MINUTE),
    "claim what is late by more": lambda: claim("hourly-due", NOW + MINUTE + 1),
    "release the next in turn": lambda: overlap.release_next_in_turn([SCHEDULE["queue"], SCHEDULE["skip"]], NOW),
    "lock": lambda: overlap.lock_schedules([SCHEDULE["hourly"], uuid_of("schedule", "deleted")]),
    "ready jobs": lambda: ready_jobs.ready_jobs("schedule_id", [SCHEDULE["missed"], SCHEDULE["queue"]], NOW),
    "ready jobs by id": lambda: ready_jobs.ready_jobs("id", numbers("missed-now hourly-next expired ready"), NOW),
    "first expired": lambda: [
        misfire.first_expired(0, NOW),
        misfire.first_expired(NOW - SECOND, NOW),
        misfire.first_expired(0, NOW - HOUR),
    ],
    "expire": lambda: misfire.expire(NOW, 99),
    "expire some": lambda: misfire.expire(NOW, 1, NOW - 3 * SECOND),
    "cancel surplus": lambda: misfire.cancel_surplus(
        {SCHEDULE["missed"]: Room(1, 0), SCHEDULE["allow"]: Room(0, 5)}, NOW
    ),
    "windows": lambda: [misfire.window_us(*each) for each in (("skip", HOUR), ("once", HOUR), ("all", SECOND))],
    "latest": lambda: [cut(misfire.latest(policy, list(range(103)))) for policy in ("skip", "once", "all")],
}


def finished(name, schedule, answer=None, account_id=ALICE, fire_at=NOW, **columns):
    return FinishedJob(JOB[name], account_id, SCHEDULE[schedule], fire_at, answer, **columns)


def remember(*jobs):
    """Each: the job, its schedule, perhaps the answer, and other fields."""
    with transaction():
        return schedule_memory.remember([finished(*positions, **fields) for *positions, fields in jobs], NOW)


MEMORY = {
    "an answer": lambda: remember(("hourly-due", "hourly", b'{"x":1,"$set":{"s":9,"t":2}}', {})),
    "an empty answer": lambda: remember(("queue-waiting", "queue", b"", {})),
    "a text": lambda: remember(("hourly-due", "hourly", b"plain \xc3\xbc", {})),
    "a cut answer": lambda: remember(("hourly-due", "hourly", b'{"$set":{"s":1}}', {"whole": False})),
    "a wrong set": lambda: remember(("hourly-due", "hourly", b'{"$set":3}', {})),
    "a large answer": lambda: remember(("hourly-due", "hourly", json.dumps("x" * 65_536).encode(), {})),
    "an answer of before": lambda: remember(
        ("hourly-due", "hourly", b'{"x":2,"$set":{"s":7}}', {"fire_at": NOW - 40 * DAY})
    ),
    "a failure": lambda: remember(("queue-waiting", "queue", {"reason": "status_500", "down_host": "queue.example"})),
    "the last failure": lambda: remember(("hourly-due", "hourly", {"reason": "timeout"})),
    "a failure of a fragile one": lambda: remember(("expired", "fragile", {})),
    "a stopped job": lambda: remember(("hourly-due", "hourly", {"stopped": True})),
    "a failure of a disabled one": lambda: remember(("off-new", "off", {"reason": "x"})),
    "two ends": lambda: remember(
        ("hourly-due", "hourly", {"reason": "a"}), ("hourly-running", "hourly", b'{"y":1}', {})
    ),
    "of a deleted one": lambda: schedule_memory.remember(
        [finished("done", "hourly")._replace(schedule_id=uuid_of("schedule", "deleted"))], NOW
    ),
    "disabled at": lambda: schedule_memory.disabled_at(
        [SCHEDULE["off"], SCHEDULE["hourly"], uuid_of("schedule", "deleted")]
    ),
    "health events": lambda: health_events.add(
        [
            HealthEventRow(SCHEDULE["hourly"], "failed", NOW, 1, "why", "h.example"),
            HealthEventRow(SCHEDULE["skip"], "begun", NOW, 2, matters=0),
            HealthEventRow(SCHEDULE["hourly"], "begun", NOW, 3, matters=0),
            HealthEventRow(SCHEDULE["filled"], "succeeded", NOW, 4, matters=0),
        ]
    ),
    "health events without rules": lambda: [
        execute("UPDATE alert SET enabled = 0"),
        health_events.add([HealthEventRow(SCHEDULE["hourly"], "failed", NOW, 1)]),
    ],
}


def firing(schedule, fire_at, status, **columns):
    return FiringRow(
        **(
            {
                "schedule_id": SCHEDULE[schedule],
                "fire_at": fire_at,
                "status": status,
                "job_id": None,
                "lateness_us": None,
                "decided_at": NOW,
            }
            | columns
        )
    )


def firings(status=None, order="fire_at", direction="asc", limit=9, offset=0):
    rows = schedule_store.firings_of(ALICE, "key-hourly", status, (order, direction), limit, offset)
    return rows if limit == 2 else [[row.fire_at, row.status] for row in rows]


FIRINGS = {
    "add": lambda: firing_rows.add(
        [
            firing("hourly", NOW, "fired", job_id=JOB["hourly-due"], lateness_us=5),
            firing("hourly", NOW + 1, "late", lateness_us=6),
            firing("skip", NOW, "skipped_misfire", until_at=NOW + 9, instants=7),
            firing("skip", NOW + 2, "missed_down"),
            firing("skip", NOW + 3, "paused"),
            firing("hourly", NOW - HOUR, "paused"),
        ]
    ),
    "add cancelled": lambda: firing_rows.add_cancelled(
        numbers("hourly-due filled hourly-done ready"), "missed_down", NOW
    ),
    "has run": lambda: [firing_rows.has_run(SCHEDULE["hourly"], NOW - hours * HOUR) for hours in range(6)],
    "mark backfilled": lambda: firing_rows.mark_backfilled(SCHEDULE["filled"], NOW - 6 * DAY, 5, NOW - 5 * DAY, NOW),
    "mark backfilled the last": lambda: firing_rows.mark_backfilled(SCHEDULE["filled"], NOW - 6 * DAY, 5, None, NOW),
    "mark backfilled a fresh one": lambda: firing_rows.mark_backfilled(
        SCHEDULE["filled"], NOW - 8 * DAY, 6, NOW - 7 * DAY, NOW
    ),
    "list": firings,
    "list two": lambda: firings(limit=2, offset=1),
    "list by decision": lambda: firings(None, "decided_at", "desc"),
    "list by status": lambda: firings(None, "status"),
    "list of a status": lambda: firings("fired"),
    "list of none": lambda: schedule_store.firings_of(BOB, "key-hourly", None, ("fire_at", "asc"), 9, 0),
    "latest": lambda: firing_rows.latest([SCHEDULE["hourly"], SCHEDULE["cron"], SCHEDULE["filled"]], 3),
    "prune": lambda: firing_rows.prune(NOW - 90 * DAY, 9),
    "prune the oldest": lambda: firing_rows.prune(NOW, 1),
    "results": lambda: run_results.latest(
        ALICE, [SCHEDULE["hourly"], SCHEDULE["filled"], SCHEDULE["skip"], SCHEDULE["bob-hourly"]]
    ),
    "health": lambda: health.of_schedules(ALICE, schedule_store.listed(ALICE, ("inserted_at", "asc"), 50, 0)),
}


def names(rows):
    return [row.name for row in rows]


READS = {
    "list": lambda: names(schedule_store.listed(ALICE, ("inserted_at", "asc"), 50, 0)),
    "list by name": lambda: names(schedule_store.listed(ALICE, ("name", "desc"), 4, 1)),
    "list by disabling": lambda: names(schedule_store.listed(ALICE, ("disabled_at", "desc"), 2, 0)),
    "list by need": lambda: names(schedule_store.listed_by_need(ALICE, 50, 0)),
    "list by need, from the second": lambda: names(schedule_store.listed_by_need(ALICE, 2, 1)),
    "find": lambda: schedule_store.find(ALICE, "key-hourly"),
    "find of another": lambda: schedule_store.find(BOB, SCHEDULE["hourly"]),
    "enabled": lambda: [schedule_store.enabled_total(ALICE), schedule_store.enabled_total(BOB)],
    "offsets": lambda: [
        schedule_store.offset_us(uuid_of("schedule", "hourly"), jitter) for jitter in (0, 1, 60 * SECOND)
    ],
    "definition": lambda: schedule_store.stored_definition(SCHEDULE["hourly"]),
    "template": lambda: schedule_store.template_of(rich().job._replace(kind="group")),
}


def backfill(name):
    return uuid_of("backfill", name)


BACKFILLS = {
    "create": lambda: backfill_store.create(ALICE, "key-weekly", NOW - 30 * DAY, NOW - 2 * DAY, NOW),
    "create until now": lambda: backfill_store.create(ALICE, "key-cron", NOW - HOUR, NOW + HOUR, NOW),
    "create in an empty range": lambda: backfill_store.create(ALICE, "key-weekly", NOW - DAY, NOW, NOW),
    "create too many": lambda: backfill_store.create(ALICE, "key-skip", NOW - DAY, NOW, NOW),
    "create beside another": lambda: backfill_store.create(ALICE, "key-filled", NOW - DAY, NOW, NOW),
    "create of none": lambda: backfill_store.create(BOB, "key-weekly", NOW - DAY, NOW, NOW),
    "turns": lambda: backfill_turns.take_turns(NOW, 9),
    "a turn": lambda: backfill_turns.take_turns(NOW, 1),
    **of_each("cancel", lambda name: backfill_store.cancel(ALICE, backfill(name), NOW), "busy ready old bob-backfill"),
    "list": lambda: [row.id for row in backfill_store.listed(ALICE, "key-weekly", 9)],
    "list the latest": lambda: backfill_store.listed(ALICE, "key-weekly", 1),
    "find": lambda: [backfill_store.find(ALICE, backfill("busy")), backfill_store.find(BOB, backfill("busy"))],
    "prune": lambda: backfill_store.prune(NOW),
}
CALENDARS = {
    "put a new one": lambda: calendar_changes.put(ALICE, "new", ["2026-05-01"], NOW),
    "put a known one": lambda: calendar_changes.put(ALICE, "holidays", ["2026-01-02", "2026-01-03"], NOW),
    "put no days": lambda: calendar_changes.put(ALICE, "holidays", [], NOW),
    "put of a name of another": lambda: calendar_changes.put(BOB, "moving", ["2026-05-02"], NOW),
    **of_each("delete", lambda name: calendar_changes.delete(ALICE, name), "unused holidays none"),
    "delete of another": lambda: calendar_changes.delete(BOB, "unused"),
    "find": lambda: [calendar_store.find(ALICE, "holidays"), calendar_store.find(BOB, "unused")],
    "list": lambda: [row.name for row in calendar_store.listed(ALICE)],
    "total": lambda: [calendar_store.total(ALICE), calendar_store.total(BOB)],
    "users": lambda: {name: sorted(ids) for name, ids in calendar_store.users(ALICE).items()},
    "days": lambda: calendar_store.days_in(ALICE, ["moving", "holidays"]),
    "next changed": lambda: [moving.next_changed(0), moving.next_changed(CALENDAR["moving"])],
    "move next": lambda: moving.move_next(CALENDAR["moving"], NOW),
    "move one that is done": lambda: moving.move_next(CALENDAR["holidays"], NOW),
}
TEXTS = {
    **{
        "making": MAKING,
        "planning": PLANNING,
        "turns": inside(TURNS, "lock"),
        "memory": inside(MEMORY, "of a deleted one"),
        "firings": FIRINGS,
        "reads": READS,
    },
    **{"backfills": BACKFILLS, "calendars": CALENDARS},
}


@pytest.mark.parametrize("name", TEXTS)
def test_schedules_change_as_recorded(scenario, name):
    RECORDED.compare(name, scenario.text_of(TEXTS[name]))


def test_each_text_is_of_some_actions():
    RECORDED.are_exactly(TEXTS)
