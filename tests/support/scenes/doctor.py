"""Lets the doctor look at installations with each fault that can be put in its way, and writes what it finds."""

import resource
from collections import namedtuple
from pathlib import Path

from booper.doctor import (
    broker_checks,
    database_checks,
    diagnosis,
    egress_checks,
    operator_checks,
    process_checks,
    settings_checks,
    sqlite_checks,
)
from models.alerts.ways import read_targets
from models.database import host_clock, schema
from models.operations import database_figures as figures
from models.operations import heartbeats, ticker_row
from models.operations.database_figures import Bloat, Connections, OldTransaction, Server
from models.operations.heartbeats import WorkerRow
from models.operations.operator_alerts import operator_incidents, turn
from models.operations.operator_alerts.troubles import Trouble
from models.rules import clock
from runtime import settings
from tests.support.rows import make_job
from tests.support.scenes.history import no_answer, slow
from workers.queue import inspection
from workers.queue.inspection import Facts, QueueFacts, Unusable
from workers.transport.outcome import Refused

PRODUCTION = {"BOOPER_BROKER_URL": "amqp://u:s3cret@broker.example", "BOOPER_DATABASE_URL": "postgresql://h/n"}
CLUSTER = PRODUCTION | {"BOOPER_BROKER_URL": "amqp://u:p@a.example,amqp://u:p@b.example"}
OPERATOR = {
    "BOOPER_OPERATOR_ALERTS": "slack=https://a.example/s3cret webhook=https://b.example/x pagerduty=" + "k" * 32
}
UNUSUAL = (
    {},
    {"BOOPER_HOLD": "on"},
    {"BOOPER_HOST": "0.0.0.0"},  # noqa: S104 - what is meant to be found
    {"BOOPER_TARGET_ALLOW": "0.0.0.0/7"},
    {"BOOPER_TARGET_ALLOW": "10.0.0.0/8"},
    PRODUCTION,
    PRODUCTION | {"BOOPER_PUBLIC_URLS": "https://booper.example"},
)
CLASSIC, DEAD = QueueFacts("booper", "classic", "", 3, False), QueueFacts("booper.XQ", "quorum", "", 5, False)
MIRRORED = QueueFacts("booper", "classic", "ha", 0, True)
MANAGEMENT = (
    Facts("3.13.2", 1, [], []),
    Facts("4.0.5", 1, [], [CLASSIC, DEAD]),
    Facts("3.12.0", 3, ["memory of rabbit@a"], [CLASSIC]),
    Facts("4.1.0", 3, [], [MIRRORED]),
    Facts("3.11.0", 3, [], [MIRRORED]),
    Unusable("no answer at port 15672"),
)
TARGETS = {
    "https://fine.example/": slow(204),
    "https://private.example/": Refused("blocked_address", "10.0.0.8 is private"),
    "https://nowhere.example/": no_answer("dns", "no such name"),
    "https://old.example/": no_answer("tls", "expired"),
    "https://down.example/": no_answer("connect", "refused"),
}


def show(scene, title, findings):
    scene.write(f"\n--- {title}\n{diagnosis.text_of(list(findings))}")


def play(scene):
    scene.begin_page("doctor")
    scene.monkeypatch.setattr(resource, "getrlimit", lambda _: (1024, resource.RLIM_INFINITY))
    for environ in UNUSUAL:
        show(scene, f"settings: {environ}", settings_checks.check_settings(settings.load(environ)))
    scene.monkeypatch.setattr(resource, "getrlimit", lambda _: (1024, 2000))
    show(scene, "few files", settings_checks.check_settings(settings.load({})))
    processes(scene)
    postgres(scene)
    clocks(scene)
    disks(scene)
    broker(scene)
    egress(scene)
    operator(scene)
    findings = list(settings_checks.check_settings(settings.load({"BOOPER_HOLD": "on"})))
    scene.write(f"\n--- as JSON\n{diagnosis.json_of(findings)}")
    for environ in ({}, PRODUCTION):
        chosen = diagnosis.checks(settings.load(environ))
        scene.write(f"\n--- checks of {environ}\n" + "\n".join(f"{each.subject}: {each.trouble}" for each in chosen))


def processes(scene):
    show(scene, "nobody", process_checks.check_processes())
    row = WorkerRow("00000000-0000-7000-8000-00000000000a", "host-a", 7, "9.9.9", 80, 5, clock.now(), clock.now())
    heartbeats.record_heartbeat(row)
    show(scene, "no ticker", process_checks.check_processes())
    ticker_row.record_seen(clock.now())
    heartbeats.record_heartbeat(row._replace(id="00000000-0000-7000-8000-00000000000b", host="host-b", version="8.8.8"))
    heartbeats.record_heartbeat(row._replace(id="00000000-0000-7000-8000-00000000000c", pid=8))
    show(scene, "three and a ticker", process_checks.check_processes())
    scene.clock.advance(seconds=11)
    show(scene, "11 s later", process_checks.check_processes())
    scene.clock.advance(seconds=60)
    show(scene, "71 s later", process_checks.check_processes())


def postgres(scene):
    put = scene.monkeypatch.setattr
    usual = {
        "server": Server(150_004, False, True),
        "old_transactions": [],
        "bloat": Bloat(100, 10_000, 5 << 20),
        "connections": Connections(80, 100),
    }
    faults = (
        ("nothing", {}),
        ("old, a replica, blind", {"server": Server(120_022, True, False)}),
        ("13", {"server": Server(130_000, False, True)}),
        (
            "old transactions",
            {
                "old_transactions": [
                    OldTransaction("session", "71", "app", 660),
                    OldTransaction("prepared", "gid", "", 7200),
                    OldTransaction("slot", "copy", "rep", None),
                ]
            },
        ),
        ("dead rows", {"bloat": Bloat(20_003, 10_002, 7 << 20)}),
        ("not so many", {"bloat": Bloat(20_004, 10_002, 7 << 20)}),
        ("connections", {"connections": Connections(81, 100)}),
        ("too few connections", {"connections": Connections(20, 60)}),
    )
    for title, fault in faults:
        for name, value in {**usual, **fault}.items():
            put(figures, name, lambda value=value: value)
        show(scene, title, database_checks.check_postgres(settings.load(PRODUCTION)))
    put(schema, "lacking", lambda: ["0099_more", "0100_even_more"])
    show(scene, "migrations", database_checks.check_postgres(settings.load(PRODUCTION)))
    put(schema, "lacking", list)


def clocks(scene):
    put = scene.monkeypatch.setattr
    put(host_clock, "database_clock", clock.now)
    for ahead_us, strangers in ((0, []), (999_999, []), (1_000_000, []), (-2_500_000, [("host-b", 3.25)])):
        put(host_clock, "measure", lambda ahead_us=ahead_us: ahead_us)
        put(figures, "hosts_ahead", lambda *_, strangers=strangers: strangers)
        show(scene, f"ahead by {ahead_us} µs, {strangers}", database_checks.check_clocks())


def disks(scene):
    usage = namedtuple("usage", "total used free")
    scene.monkeypatch.setattr("tempfile.gettempdir", lambda: "/usr")
    for free in (1024 << 20, (1024 << 20) - 1, 100 << 20, (100 << 20) - 1):
        scene.monkeypatch.setattr(sqlite_checks.shutil, "disk_usage", lambda _, free=free: usage(0, 0, free))
        environ = {"BOOPER_DATABASE_URL": "sqlite:////none/booper.db"}
        show(scene, f"{free} octets", sqlite_checks.check_disks(settings.load(environ)))
    show(scene, "no file", sqlite_checks.check_sqlite(Path("/none/booper.db")))


def broker(scene):
    put = scene.monkeypatch.setattr
    refused = {}

    def publish(node, _prefix):
        if node.host in refused:
            raise Unusable(refused[node.host])

    put(inspection, "publish_once", publish)
    show(scene, "embedded", broker_checks.check_broker(settings.load({}), None))
    for facts in MANAGEMENT:
        put(inspection, "read_management", lambda *_, facts=facts: raised(facts))
        show(scene, f"management: {facts!r}", broker_checks.check_broker(settings.load(PRODUCTION), None))
    for texts in ({"a.example": "ConnectionRefusedError"}, {"a.example": "alarm", "b.example": "blocked"}):
        refused.update(texts)
        show(scene, f"{texts}", broker_checks.check_broker(settings.load(CLUSTER), None))
    refused["broker.example"] = "no answer"
    show(scene, "away", broker_checks.check_broker(settings.load(PRODUCTION), None))


def raised(facts):
    if isinstance(facts, Exception):
        raise facts
    return facts


def egress(scene):
    show(scene, "no target", egress_checks.check_egress(scene.settings, []))
    scene.monkeypatch.setattr(egress_checks, "_send", lambda _, urls: {url: TARGETS[url] for url in urls})
    show(scene, "targets", egress_checks.check_egress(scene.settings, list(TARGETS)))
    show(scene, "no job", egress_checks.check_names())
    account = scene.caller("alice").account
    for host in ("first.example", "second.example", "nowhere.example", "third.example"):
        scene.clock.advance(seconds=1)
        make_job(account, host=host)

    def look_up(host, port):
        if host.startswith("nowhere"):
            raise OSError(f"no {host}:{port}")
        return [f"203.0.113.{number}" for number in range(5)]

    scene.monkeypatch.setattr(egress_checks, "system_lookup", look_up)
    show(scene, "names", egress_checks.check_names())


def operator(scene):
    effective = settings.load(OPERATOR)
    show(scene, "nobody notified", operator_checks.check_operator(settings.load({})))
    show(scene, "nobody looks", operator_checks.check_operator(effective))
    turn.Turn().take(clock.now(), 0.0)
    show(scene, "all is well", operator_checks.check_operator(effective))
    rule = operator_incidents.rule_of("here", None)
    began = clock.now()
    scene.clock.advance(minutes=2)
    operator_incidents.update(rule, [Trouble("backlog", "7 jobs are due", began)], began, clock.now())
    show(scene, "a trouble", operator_checks.check_operator(effective))
    answers = {"slack": "", "webhook": "answered 404", "pagerduty": ""}
    show(scene, "tests", operator_checks.send_tests(effective, lambda target, _: answers[target.way]))
    ends = iter(["", "answered 500"])
    only = settings.load({"BOOPER_OPERATOR_ALERTS": "pagerduty=" + "k" * 32})
    show(scene, "an end that fails", operator_checks.send_tests(only, lambda *_: next(ends)))
    show(scene, "nobody to test", operator_checks.send_tests(settings.load({})))
    assert len(read_targets(OPERATOR["BOOPER_OPERATOR_ALERTS"])) == 3
