"""`booper import celery-beat`: what Celery is told to queue becomes schedules, and the rest is named."""

import json

import pytest
import yaml

from booper_client import Client
from booper_client.cli import failures
from booper_client.cli.files import celery_beat

URL = "https://example.com/tasks"
MODULE = """
from datetime import timedelta
from celery import Celery
from celery.schedules import crontab

app = Celery("proj", broker=open("/no/such/file").read())
app.conf.timezone = "Europe/Berlin"
app.conf.beat_schedule = {
    "Morning report": {"task": "proj.report", "schedule": crontab(hour=7, minute=30, day_of_week=1), "args": (16, "a")},
    "often": {"task": "proj.often", "schedule": 5 * 60.0, "kwargs": {"deep": {"a": None}}},
    "span": {"task": "proj.span", "schedule": timedelta(hours=1, minutes=30)},
}
"""


def carried(schedule, **members):
    """The fields of the only schedule of a module."""
    entry = ", ".join(f"{name!r}: {value}" for name, value in members.items())
    made = celery_beat.read(f"beat_schedule = {{'n': {{'task': 't', 'schedule': {schedule}, {entry}}}}}", URL)
    assert made.left_out == []
    [fields] = made.schedules.values()
    return fields


def test_a_module_is_read_without_being_run():
    made = celery_beat.read(MODULE, URL, "Asia/Tokyo")

    assert made.left_out == []
    assert made.schedules == {
        "morning-report": {
            "url": URL,
            "method": "post",
            "name": "Morning report",
            "body": {"task": "proj.report", "args": [16, "a"]},
            "cron": "30 7 * * 1",
            "timezone": "Europe/Berlin",
        },
        "often": {
            "url": URL,
            "method": "post",
            "name": "often",
            "body": {"task": "proj.often", "kwargs": {"deep": {"a": None}}},
            "repeat_every": 300,
        },
        "span": {
            "url": URL,
            "method": "post",
            "name": "span",
            "body": {"task": "proj.span"},
            "repeat_every": 5400,
        },
    }


@pytest.mark.parametrize(
    ("schedule", "cron"),
    [
        ("crontab()", "* * * * *"),
        ("crontab(0, '*/3')", "0 */3 * * *"),
        ("crontab(minute=0, hour='8,12-18', day_of_week='monday,FRI')", "0 8,12-18 * * mon,FRI"),
        ("crontab(minute=[0, 30], hour={5})", "0,30 5 * * *"),
        ("celery.schedules.crontab(0, 0, day_of_month='1', month_of_year='*/3')", "0 0 1 */3 *"),
    ],
)
def test_a_crontab_of_celery_is_a_cron_expression(schedule, cron):
    assert carried(schedule)["cron"] == cron


@pytest.mark.parametrize(
    "module",
    [
        "CELERY_BEAT_SCHEDULE = {'n': {'task': 't', 'schedule': 30}}",
        "CELERY_BEAT_SCHEDULE: dict = {'n': {'task': 't', 'schedule': 30}}",
        "app.conf.update(beat_schedule={'n': {'task': 't', 'schedule': 30}})",
        "app.conf['beat_schedule'] = {'n': {'task': 't', 'schedule': schedule(run_every=30)}}",
    ],
)
def test_a_schedule_is_read_wherever_celery_takes_it(module):
    assert celery_beat.read(module, URL).schedules["n"]["repeat_every"] == 30


@pytest.mark.parametrize(
    ("entry", "reason"),
    [
        ("{'schedule': 5}", "n: names no task"),
        ("{'task': 't'}", "n: has no schedule"),
        ("{'task': 't', 'schedule': solar('sunset', 1, 2)}", "n: `solar('sunset', 1, 2)` is known only when"),
        ("{'task': 't', 'schedule': INTERVAL}", "n: `INTERVAL` is known only when the module runs"),
        ("{'task': 't', 'schedule': crontab(day_of_month=1, day_of_week=1)}", "n: day_of_month and day_of_week must"),
        ("{'task': 't', 'schedule': crontab(hour='22-4')}", "n: 22-4 goes past the end of its range"),
        ("{'task': 't', 'schedule': crontab(nowfun=1)}", "n: nowfun of a crontab has no counterpart"),
        ("{'task': 't', 'schedule': 1 / 0}", "n: division by zero"),
        ("{'task': 't', 'schedule': 5, 'args': [b'x']}", "n: JSON has no form for [b'x']"),
        ("make()", "n: `make()` is known only when the module runs"),
    ],
)
def test_what_can_not_be_carried_over_is_named(entry, reason):
    made = celery_beat.read(f"beat_schedule = {{'n': {entry}, 'good': {{'task': 't', 'schedule': 5}}}}", URL)

    assert list(made.schedules) == ["good"]
    assert [line.startswith(reason) for line in made.left_out] == [True], made.left_out


def test_options_are_carried_over_or_named():
    made = celery_beat.read(
        "beat_schedule = {'n': {'task': 't', 'schedule': 5, 'relative': True, "
        "'options': {'queue': 'q', 'expires': timedelta(minutes=1), 'link': 'x'}}}",
        URL,
    )

    assert made.schedules["n"]["body"]["options"] == {"queue": "q", "expires": 60}
    assert made.left_out == [
        "n: option link has no counterpart (the rest is carried over)",
        "n: relative has no counterpart: an interval is counted from when it was applied (the rest is carried over)",
    ]


def row(model, pk, **fields):
    return {"model": f"django_celery_beat.{model}", "pk": pk, "fields": fields}


DUMP = [
    row("intervalschedule", 1, every=5, period="minutes"),
    row(
        *("crontabschedule", 2),
        **{"minute": "30", "hour": "7", "day_of_week": "1-5", "day_of_month": "*", "month_of_year": "*"},
        timezone="Europe/Berlin",
    ),
    row("periodictask", 1, name="Report", task="p.report", crontab=2, args="[1]", kwargs='{"a": 2}', queue="mail"),
    row("periodictask", 2, name="Often", task="p.often", interval=1, args="[]", kwargs="{}", description="d"),
    row(
        *("periodictask", 3),
        **{"name": "Once", "task": "p.once", "interval": 1, "one_off": True, "start_time": "2030-01-01T00:00:00Z"},
    ),
    row("periodictask", 4, name="Off", task="p.off", interval=1, enabled=False),
    row("periodictask", 5, name="Sun", task="p.sun", solar=1),
    row("periodictask", 6, name="Lost", task="p.lost", interval=9),
    row("periodictask", 7, name="Routed", task="p.routed", interval=1, routing_key="r"),
    {"model": "auth.user", "pk": 1, "fields": {"password": "x"}},
]


def test_a_dump_of_django_celery_beat_is_read():
    made = celery_beat.read(json.dumps(DUMP), URL, "Asia/Tokyo")

    assert list(made.schedules) == ["report", "often", "once", "routed"]
    assert made.schedules["report"] == {
        "url": URL,
        "method": "post",
        "name": "Report",
        "body": {"task": "p.report", "args": [1], "kwargs": {"a": 2}, "options": {"queue": "mail"}},
        "cron": "30 7 * * 1-5",
        "timezone": "Europe/Berlin",
    }
    assert made.schedules["often"]["repeat_every"] == 300
    assert made.schedules["often"]["description"] == "d"
    assert made.schedules["once"] | {"max_runs": 1, "starts_at": "2030-01-01T00:00:00Z"} == made.schedules["once"]
    assert made.left_out == [
        "Off: is disabled",
        "Sun: a solar time has no counterpart",
        "Lost: its intervalschedule is not in the dump",
        "Routed: option routing_key has no counterpart (the rest is carried over)",
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("def", "neither a module of Python nor a dump in JSON"),
        ("[1,", "the dump is no JSON"),
        ("x = 1", "the module sets no beat_schedule and no CELERY_BEAT_SCHEDULE"),
    ],
)
def test_a_file_that_is_neither_is_refused(booper, tmp_path, text, message):
    (tmp_path / "file").write_text(text)

    run = booper("import", "celery-beat", str(tmp_path / "file"), "--url", URL)

    assert (run.code, run.out) == (failures.WRONG_USE, "")
    assert message in run.err


@pytest.mark.parametrize("text", [MODULE, json.dumps(DUMP)], ids=["module", "dump"])
def test_what_is_imported_is_applied(booper, server, key, tmp_path, text):
    (tmp_path / "file").write_text(text)

    made = booper("import", "celery-beat", str(tmp_path / "file"), "--url", URL)
    (tmp_path / "schedules.yaml").write_text(made.out)
    applied = booper("schedules", "apply", str(tmp_path / "schedules.yaml"), "--yes")

    assert (made.code, applied.code) == (0, 0), applied.err
    with Client(server.url, key) as client:
        there = {each.key for each in client.schedules.list(expand="key")}
        assert there == set(yaml.safe_load(made.out)["schedules"])
