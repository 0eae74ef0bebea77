"""The schedules of the state, with their instants, calendars, backfills and health events."""

from models.jobs.job_json import compact
from models.rules.clock import HOUR, MINUTE, SECOND
from models.schedules import schedule_tables as tables
from models.schedules.backfills.backfill_tables import Backfill
from tests.support.rich.jobs import at
from tests.support.rich.names import ACCOUNT, BACKFILL, CALENDAR, EVENT, GATE, JOB, SCHEDULE, SCHEDULES, uuid_of

HOURLY = {"repeat_every": [1, "hour"]}
HOLIDAYS = "[[739617,739617],[739620,739622]]"


def schedule(name, frequency, next_at, /, *, template=None, **columns):
    place = SCHEDULES.index(name) + 1
    shared = {"host": f"{name}.example", "max_attempts": 3 + place, "timeout_ms": 31_000 + place, "hops": place % 3}
    shared |= {"backoff": None, "redact": None, "labels": [], "notify": None, "flow_id": None, "lane_id": None}
    defaults = {
        "id": SCHEDULE[name],
        "account_id": ACCOUNT["bob" if name.startswith("bob-") else "alice"],
        "key": f"key-{name}",
        "inserted_at": at(d=-40, h=place),
        "name": f"the {name} schedule",
        "description": None,
        "args": compact({"method": "post", "url": f"https://{name}.example/due/{place}"}),
        "body": None,
        "content_type": None,
        "template": compact(shared | {"max_age_us": None} | (template or {})),
        "frequency": compact(frequency),
        "calendar_days": None,
        "offset_us": 0,
        "overlap": "skip",
        "misfire": "once",
        "catch_up_us": HOUR + place * SECOND,
        "disable_after": None,
        "next_at": next_at,
        "runs": 10 + place,
        "enabled_at": at(d=-30, h=place),
        "disabled_at": None,
        "failures": 0,
        "previous": None,
        "state": "{}",
        "succeeded_at": None,
    }
    return defaults | columns


def _schedules():
    return [
        schedule(
            "hourly",
            HOURLY,
            at(h=1),
            template={"labels": ["night", "eu"], "flow_id": GATE["flow-of-schedule"], "max_age_us": 90 * MINUTE},
            body=b'{"p": "$previous.x"}',
            content_type="application/json",
            description="each hour",
            disable_after=3,
            failures=2,
            previous='{"x":7}',
            state='{"s":8}',
            succeeded_at=at(h=-2, m=1),
        ),
        schedule(
            "daily", {"cron": "0 0 * * *", "timezone": "Europe/Berlin"}, at(h=14), offset_us=33 * SECOND, key=None
        ),
        schedule("cron", {"cron": "*/15 9-17 * * 1-5"}, at(m=15), name=None, misfire="skip", catch_up_us=10 * MINUTE),
        schedule("skip", {"repeat_every": 10}, at(s=1), overlap="skip"),
        schedule("queue", {"repeat_every": [2, "minutes"]}, at(s=52), overlap="queue_one", failures=1),
        schedule("allow", {"repeat_every": [3, "minutes"]}, at(m=2), overlap="allow", succeeded_at=at(d=-2)),
        schedule("missed", {"repeat_every": 600}, at(m=-39), misfire="all", catch_up_us=45 * MINUTE),
        schedule("off", HOURLY, at(h=-4), disabled_at=at(h=-4, m=1), failures=5, previous='{"old":1}'),
        schedule("finished", HOURLY | {"max_runs": 9}, None, runs=9),
        schedule("group", HOURLY, at(h=1, m=-1), template={"kind": "group", "host": ""}, args='{"group": "shops"}'),
        schedule(
            "weekly", {"repeat_every": [1, "week"], "until": "2026-03-01T00:00:00Z"}, at(d=4), succeeded_at=at(h=-49)
        ),
        schedule(
            "calendar",
            {"repeat_every": [1, "day"], "exclude": {"days": ["2026-01-06"], "calendars": ["holidays"]}},
            at(d=1),
            calendar_days=HOLIDAYS,
        ),
        schedule(
            "fading",
            {"cron": "0 9 * * *", "exclude": {"calendars": ["moving", "holidays"]}, "until": "2026-01-09T00:00:00Z"},
            at(d=2),
            calendar_days=HOLIDAYS,
        ),
        schedule(
            "filled",
            {"repeat_every": [1, "day"]},
            at(h=18),
            template={"max_age_us": 7 * MINUTE},
            overlap="allow",
            succeeded_at=at(h=-49, us=1),
        ),
        schedule("behind", {"repeat_every": [20, "minutes"]}, at(m=-62), misfire="skip", catch_up_us=90 * MINUTE),
        schedule("paused", {"repeat_every": [4, "hours"]}, at(h=3, m=56), template={"lane_id": GATE["lane-stopped"]}),
        schedule(
            "fragile", {"repeat_every": [2, "hours"], "max_runs": 14}, at(m=-2), runs=13, disable_after=2, failures=1
        ),
        schedule("bob-hourly", HOURLY, at(h=1), template={"labels": ["night"], "host": "hourly.example"}, failures=4),
    ]


def _firing(schedule_name, fire_at, status, job_name=None, late_us=None, decided_at=None, until_at=None, instants=None):
    return {
        "schedule_id": SCHEDULE[schedule_name],
        "fire_at": fire_at,
        "status": status,
        "job_id": job_name and JOB[job_name],
        "lateness_us": late_us,
        "decided_at": fire_at + 2 * SECOND if decided_at is None else decided_at,
        "until_at": until_at,
        "instants": instants,
    }


def _firings():
    return [
        _firing("hourly", at(h=-1), "fired", "hourly-running", 1_100),
        _firing("hourly", at(h=-2), "fired", "hourly-done", 1_200, decided_at=at(h=-2, s=9)),
        _firing("hourly", at(h=-3), "late", "hourly-failed", 61_000_001, decided_at=at(h=-3, m=1, s=2)),
        _firing("hourly", at(h=-4), "skipped_overlap", "done"),
        _firing("hourly", at(h=-5), "skipped_misfire"),
        _firing("hourly", at(h=-9), "missed_down", until_at=at(h=-6), instants=4),
        _firing("hourly", at(h=-10), "fired"),
        _firing("daily", at(d=-1, h=14), "cancelled", "cancelled"),
        _firing("daily", at(d=-2, h=14), "disabled"),
        _firing("filled", at(d=-3), "backfilled", "filled"),
        _firing("filled", at(d=-6), "missed_down", until_at=at(d=-4), instants=3),
        _firing("filled", at(d=-7), "fired", "failed"),
        _firing("filled", at(d=-8), "fired", "retry"),
        _firing("filled", at(d=-9), "late", "hourly-running"),
        _firing("skip", at(m=-10), "fired", "skip-running", 1_300),
        _firing("queue", at(m=-11), "fired", "queue-running", 1_400),
        _firing("weekly", at(d=-91), "fired", decided_at=at(d=-90, us=-1)),
        _firing("weekly", at(d=-90), "fired", decided_at=at(d=-90)),
        _firing("weekly", at(d=-89), "paused", decided_at=at(d=-89)),
        _firing("bob-hourly", at(h=-2), "fired", "bob-failed", 1_500),
    ]


def _calendar(name, days, moved_to=None):
    place = list(CALENDAR).index(name)
    owner = ACCOUNT["bob" if name.startswith("bob-") else "alice"]
    stamps = {"created_at": at(d=-50 - place), "changed_at": at(d=-20 - place), "moved_to": moved_to}
    return {
        "id": CALENDAR[name],
        "account_id": owner,
        "name": name.removeprefix("bob-"),
        "days": compact(days),
        **stamps,
    }


def _backfill(name, schedule_name, state, instants, looked_at=0, job_name=None, ended_at=None, schedule_id=None):
    place = list(BACKFILL).index(name)
    return {
        "id": BACKFILL[name],
        "uuid": uuid_of("backfill", name),
        "account_id": ACCOUNT["bob" if name.startswith("bob-") else "alice"],
        "schedule_id": schedule_id or SCHEDULE[schedule_name],
        "first_at": at(d=-8 - place),
        "last_at": at(d=-2, h=-place),
        "instants": compact(instants),
        "size": len(instants),
        "inserted_at": at(m=-30 - place),
        "state": state,
        "looked_at": looked_at,
        "made": looked_at and looked_at - 1,
        "job_id": job_name and JOB[job_name],
        "ended_at": ended_at,
    }


def _backfills():
    passed = [at(d=-7), at(d=-6), at(d=-5)]
    return [
        _backfill("ready", "filled", "running", passed),
        _backfill("busy", "daily", "running", [at(d=-2), at(d=-1)], 1, "filled"),
        _backfill("gone-schedule", "", "running", [at(d=-9)], schedule_id=uuid_of("schedule", "deleted")),
        _backfill("finished", "cron", "running", [at(d=-1, h=3)], 1, "done"),
        _backfill("old", "weekly", "done", [at(d=-80)], 1, ended_at=at(d=-30, us=-1)),
        _backfill("stopped", "weekly", "cancelled", [at(d=-70)], 1, ended_at=at(d=-30)),
        _backfill("bob-backfill", "bob-hourly", "running", [at(h=-7)]),
        _backfill("last", "off", "running", [at(h=-8)], 0),
    ]


def _event(name, schedule_name, event_type, ago_s, number, reason=None, host=None):
    owner = ACCOUNT["bob" if schedule_name.startswith("bob-") else "alice"]
    values = {"type": event_type, "at": at(s=-ago_s), "number": number, "reason": reason, "host": host}
    return {"id": EVENT[name], "account_id": owner, "schedule_id": SCHEDULE[schedule_name], **values}


def _events():
    return [
        _event("e1", "hourly", "failed", 90, 2, "status_500"),
        _event("e2", "cron", "missed", 80, 3),
        _event("e3", "daily", "begun", 70, 301_000_000),
        _event("e4", "queue", "succeeded", 60, 0),
        _event("e5", "allow", "failed", 50, 1, "connection_refused", "allow.example"),
        _event("e6", "off", "disabled", 40, 5, "5 of its jobs in a row failed"),
        _event("e7", "hourly", "succeeded", 30, 0),
        _event("e8", "weekly", "begun", 20, 1),
        _event("e9", "bob-hourly", "failed", 10, 1, "timeout"),
    ]


def rows():
    return {
        tables.Schedule: _schedules(),
        tables.Firing: _firings(),
        tables.Calendar: [
            _calendar("holidays", ["2026-01-02", {"from": "2026-01-05", "to": "2026-01-07"}]),
            _calendar("moving", ["2026-01-03"], moved_to="00000000-0000-0000-0000-000000000000"),
            _calendar("unused", []),
            _calendar("bob-holidays", ["2026-02-02"]),
        ],
        Backfill: _backfills(),
        tables.HealthEvent: _events(),
    }
