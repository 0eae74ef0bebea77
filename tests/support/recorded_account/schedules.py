"""Schedules of each health, with each thing that may come of an instant."""

import json

from models.rules.clock import HOUR
from models.schedules.backfills.backfill_tables import Backfill
from models.schedules.firing_rows import STATUSES
from models.schedules.schedule_tables import Firing, Schedule
from tests.support.recorded_account.fixed import uuid_of
from tests.support.recorded_account.rows import add_job, at, us

CRON = {"cron": "0 9 * * 1-5", "timezone": "Europe/Vienna"}


def fill(account):
    whole(account)
    for number, row in enumerate(healths()):
        one_of_each(account, number, *row)


def add_schedule(account, thing, made, frequency, next_at, request=None, /, **columns):
    request = request or {"url": f"https://{thing.replace(' ', '-')}.example.com/", "method": "post"}
    instants = {key: at(value) for key, value in columns.items() if isinstance(value, str) and key.endswith("_at")}
    usual = {"template": "{}", "offset_us": 0, "overlap": "skip", "misfire": "once", "catch_up_us": HOUR}
    usual |= {"failures": 0, "state": "{}", "enabled_at": at(made), "inserted_at": at(made)}
    Schedule.create(
        id=uuid_of(thing),
        account_id=account.id,
        args=json.dumps(request),
        frequency=json.dumps(frequency),
        next_at=next_at and at(next_at),
        **usual | columns | instants,
    )


def add_run(account, schedule, id, ago, state, status="fired", late=None, **columns):
    """A run: its job, and the row of its instant if it has begun."""
    job = None
    if state:
        ends = {f"{state}_at": ago} if state in ("completed", "discarded", "cancelled") else {}
        about = {"schedule_id": uuid_of(schedule), "fire_at": ago, "attempt": 1, "host": "runs.example.com"}
        request = {"url": f"https://runs.example.com/{id}"}
        job = add_job(account, f"run {id}", state, f"{ago} 1s", ago, id, request, **about, **ends, **columns)
    if status:
        values = {"job_id": job and job.id, "lateness_us": late and us(late), "decided_at": at(ago)}
        Firing.create(schedule_id=uuid_of(schedule), fire_at=at(ago), status=status, **values)


def whole(account):
    """A schedule with every option, and every thing that may come of an instant."""
    request = {
        "url": "https://reports.example.com/nightly?kind=full",
        "method": "put",
        "headers": {"X-Report": "nightly"},
        "name": "Nightly report",
        "labels": ["reports", "billing"],
        "timeout": 23,
        "exclude": {"days": ["2026-12-25"], "calendars": ["holidays-at"]},
        "starts_at": "2025-12-01T00:00:00Z",
        "until": "2027-03-01T00:00:00Z",
        "max_runs": 4000,
        "overlap": "queue_one",
        "misfire": "all",
    }
    frequency = CRON | {"exclude": {"days": ["2026-12-25"], "calendars": ["holidays-at"]}, "max_runs": 4000}
    remembered = {"state": '{"cursor":"c-9"}', "previous": '{"status":200,"body":{"next":3}}'}
    texts = {"name": "Nightly report", "description": "Adds up the day.", "key": "nightly-key"}
    policies = {"overlap": "queue_one", "misfire": "all", "failures": 3, "calendar_days": "[]"}
    body = {"body": b'{"day":"$date"}', "content_type": "application/json"}
    add_schedule(account, "nightly", "45d", frequency, "+17h 24m", request, **texts, **policies, **remembered, **body)
    states = ("completed", "retryable", "discarded", "executing", "cancelled", "available", "scheduled")
    for number, state in enumerate(states):
        claimed = {"claim_id": 91, "lease_until": "+41s"} if state == "executing" else {}
        add_run(account, "nightly", 401 + number, f"{number + 1}d 5h", state, late=f"{number + 2}.5s", **claimed)
    for number, status in enumerate(STATUSES):
        many = {"until_at": at(f"{number + 9}d"), "instants": 4 + number} if status == "missed_down" else {}
        late = us(f"{number + 61}s") if status in ("late", "fired", "backfilled") else None
        row = {"fire_at": at(f"{number + 10}d 6h"), "status": status, "job_id": None, "lateness_us": late}
        Firing.create(schedule_id=uuid_of("nightly"), decided_at=at("1h"), **row | many)
    add_run(account, "nightly", 411, "20d", "completed", "late", "75s")
    add_run(account, "nightly", 412, "21d", "completed", "backfilled")
    add_run(account, "nightly", 413, "22d", "discarded", "late", "2h")
    ranges = (
        ("running", "9d", "8d", 24, 7, 5),
        ("done", "12d", "11d", 30, 30, 30),
        ("cancelled", "15d", "13d", 48, 2, 1),
    )
    for number, (state, first, last, size, looked_at, made) in enumerate(ranges):
        values = {"size": size, "looked_at": looked_at, "made": made, "instants": "[]", "state": state}
        Backfill.create(
            uuid=uuid_of(f"backfill {number}"),
            account_id=account.id,
            schedule_id=uuid_of("nightly"),
            first_at=at(first),
            last_at=at(last),
            inserted_at=at(f"{number + 2}h"),
            **values,
        )


def healths():
    """(name, made, frequency, next, columns, what came of its latest runs, the latest first)."""
    every = {"repeat_every": [5, "minutes"]}
    hourly = {"repeat_every": [1, "hour"]}
    closed = hourly | {"exclude": {"calendars": ["stocktaking"]}}
    no_name = {"url": "https://nameless.example.com/", "method": "get"}
    return (
        ("rates", "44d", every, "+3m 2s", {"name": "Exchange rates"}, ["completed", "completed"]),
        ("failed once", "43d", hourly, "+29m", {"name": "Failed once", "failures": 1}, ["discarded", "completed"]),
        ("tried again", "42d", closed, "+31m", {"name": "Tried again"}, ["retryable", "completed"]),
        ("late", "41d", {"repeat_every": 90}, "+59s", {"name": "Late"}, ["late", "completed"]),
        ("missed", "40d", {"repeat_every": [2, "days"]}, "+1d 3h", {"name": "Missed"}, ["executing", "missed_down"]),
        ("held back", "39d", closed, "+33m", {"name": "Held back"}, ["paused", "completed"]),
        ("off", "38d", closed, "+2h", {"name": "Off", "disabled_at": "7h 7m"}, ["disabled", "executing"]),
        ("finished", "37d", {"repeat_every": [3, "weeks"], "max_runs": 2}, None, {"name": "Finished"}, ["completed"]),
        ("nameless", "36d", CRON, "+18h 24m 39s", {"args": json.dumps(no_name)}, []),
        ("unknown", "35d", {"every_moon": 1}, "+9d", {"name": "Of a newer version"}, ["executing"]),
        ("of a group", "34d", closed, "+37m", {"args": '{"group":"shops"}'}, ["skipped_overlap", "completed"]),
    )


def one_of_each(account, number, name, made, frequency, next_at, columns, latest):
    request = json.loads(columns.pop("args", "null"))
    add_schedule(account, name, made, frequency, next_at, request, calendar_days="[]", **columns)
    for place, result in enumerate(latest):
        state = "completed" if result == "late" else result
        status = "late" if result == "late" else "fired"
        has_job = state in ("completed", "discarded", "retryable", "executing")
        late = "61s" if result == "late" else f"{place + 1}.25s"
        ago = f"{place * 5 + 1}m {number + 11}s"
        if has_job:
            claimed = {"claim_id": 92 + number, "lease_until": f"+{31 + number}s"} if state == "executing" else {}
            add_run(account, name, 421 + 2 * number + place, ago, state, status, late, **claimed)
        else:
            add_run(account, name, 0, ago, None, result)
