"""The alert rules of the state, with their targets, incidents and messages."""

import json

from models.alerts import alert_tables as tables
from models.rules.clock import HOUR, MINUTE
from models.webhooks.webhook_tables import AlertTarget
from tests.support.rich.jobs import at
from tests.support.rich.names import (
    ACCOUNT,
    ALERT,
    GATE,
    INCIDENT,
    JOB,
    NOTIFICATION,
    SCHEDULE,
    SUBJECT,
    TARGET,
    uuid_of,
)

ALL = ["failed", "missed", "late", "long", "silent", "waiting", "recovered"]


def _owner(name):
    return ACCOUNT["bob" if name.startswith("bob-") else "alice"]


def _rule(name, types, scope=("account", ""), muted_until=None, enabled=1, **options):
    place = list(ALERT).index(name)
    return {
        "id": ALERT[name],
        "uuid": uuid_of("alert", name),
        "account_id": _owner(name),
        "name": f"rule {name}",
        "types": json.dumps(types),
        "scope_kind": scope[0],
        "scope_key": scope[1],
        "options": json.dumps(options),
        "enabled": enabled,
        "muted_until": muted_until,
        "created_at": at(d=-25, h=place),
        "changed_at": at(d=-15, h=place),
    }


def _rules():
    return [
        _rule("any", ALL, repeat_us=37 * MINUTE),
        _rule("hourly", ["failed", "missed"], ("schedule", SCHEDULE["hourly"]), after=2),
        _rule("label", ["failed", "recovered"], ("label", "night"), after=3),
        _rule("host", ["failed", "waiting"], ("host", "closed.example"), waiting_after_us=40_000_000),
        _rule("flow", ["failed", "waiting"], ("flow", "of-schedule")),
        _rule("share", ["failed", "recovered"], share=0.5, within_us=3 * HOUR, at_least=2),
        _rule("muted", ["failed", "missed", "recovered"], muted_until=at(h=7), after=1),
        _rule("quiet", ["failed", "recovered"], quiet=[8 * 60, 9 * 60 + 30, "UTC"]),
        _rule("off", ALL, enabled=0),
        _rule("bob-any", ALL, silent_after_us=26 * HOUR),
        _rule("polled", ["long", "silent", "waiting"], silent_after_us=49 * HOUR, long_after_us=11 * MINUTE),
    ]


def _target(name, alert, way, url, secret=None):
    values = {"alert_id": ALERT[alert], "way": way, "url": url, "secret": secret}
    return {"id": TARGET[name], "account_id": _owner(alert), **values}


def _targets():
    return [
        _target("hook", "any", "webhook", "https://hooks.example/a"),
        _target("slack", "any", "slack", "https://hooks.slack.example/services/secret-slack"),
        _target("discord", "any", "discord", "https://discord.example/secret-discord"),
        _target("teams", "any", "teams", "https://teams.example/secret-teams"),
        _target("ntfy", "any", "ntfy", "https://ntfy.example/secret-topic"),
        _target("pager", "any", "pagerduty", "https://events.pagerduty.com/v2/enqueue", "k" * 32),
        _target("mail", "any", "email", "mailto:ops@mail.example"),
        _target("hourly-hook", "hourly", "webhook", "https://hooks.example/b"),
        _target("share-hook", "share", "webhook", "https://hooks.example/c"),
        _target("quiet-mail", "quiet", "email", "mailto:night@mail.example"),
        _target("bob-hook", "bob-any", "webhook", "https://hooks.example/bob"),
        _target("flow-hook", "flow", "slack", "https://hooks.slack.example/services/secret-flow"),
    ]


def _incident(name, alert, incident_type, subject, title, ago_m, **columns):
    defaults = {
        "id": INCIDENT[name],
        "uuid": uuid_of("incident", name),
        "account_id": 0 if alert is None else _owner(name),
        "alert_id": 0 if alert is None else ALERT[alert],
        "alert_name": f"rule {alert}",
        "type": incident_type,
        "subject": subject,
        "title": title,
        "detail": f"why {name}",
        "opened_at": at(m=-ago_m),
        "is_flapping": 0,
        "subjects": 1,
    }
    later = ("closes_at", "closed_at", "acknowledged_at", "muted_until", "announced", "announce_at")
    return defaults | dict.fromkeys(later) | columns


def _incidents():
    hourly, queue = f"schedule:{SCHEDULE['hourly']}", f"schedule:{SCHEDULE['queue']}"
    return [
        _incident("fresh", "any", "failed", queue, "the queue", 3, announce_at=at()),
        _incident("repeated", "any", "silent", hourly, "the hourly", 95, announced="opened", announce_at=at(s=-3)),
        _incident(
            "closed",
            "any",
            "missed",
            hourly,
            "the hourly",
            200,
            announced="opened",
            closed_at=at(m=-1),
            announce_at=at(s=-2),
        ),
        _incident(
            "flapping", "any", "late", queue, "the queue", 8, is_flapping=1, announced="opened", announce_at=at(m=29)
        ),
        _incident(
            "calm", "hourly", "failed", hourly, "the hourly", 20, is_flapping=1, announced="opened", closes_at=at()
        ),
        _incident("muted", "any", "long", hourly, "the hourly", 14, muted_until=at(h=6), announce_at=at(s=-1)),
        _incident(
            "acknowledged",
            "any",
            "late",
            hourly,
            "the hourly",
            44,
            acknowledged_at=at(m=-40),
            announced="opened",
            announce_at=at(s=-4),
        ),
        _incident(
            "old", "any", "failed", hourly, "old hourly", 99 * 1440, announced="closed", closed_at=at(d=-90, us=-1)
        ),
        _incident(
            "noted", "any", "failed", "host:h.example", "h.example", 98 * 1440, announced="closed", closed_at=at(d=-90)
        ),
        _incident(
            "of-host",
            "any",
            "failed",
            "host:allow.example",
            "allow.example",
            5,
            subjects=2,
            announced="opened",
            announce_at=at(m=31),
        ),
        _incident(
            "late-one",
            "share",
            "failed",
            hourly,
            "the hourly",
            6,
            announced="opened",
            closed_at=at(m=-2),
            announce_at=at(m=1),
        ),
        _incident(
            "waiting", "host", "waiting", f"gate:{GATE['host-failing']}", "host failing.example", 16, announced="opened"
        ),
        _incident("silent", "quiet", "failed", queue, "the queue", 17, announce_at=at(s=-5)),
        _incident(
            "bob-fresh", "bob-any", "failed", f"schedule:{SCHEDULE['bob-hourly']}", "bob's", 18, announce_at=at(s=-6)
        ),
        _incident(
            "of-operator", None, "broker", "booper:broker", "The broker", 19, announced="opened", announce_at=at(s=-7)
        ),
        _incident("ends", "muted", "missed", queue, "the queue", 21, closed_at=at(m=-4), announce_at=at(s=-8)),
    ]


def _subject(number, incident, subject, ago_m, ended_at=None):
    of = next(row for row in _incidents() if row["id"] == INCIDENT[incident])
    values = {"alert_id": of["alert_id"], "type": of["type"], "subject": subject, "began_at": at(m=-ago_m)}
    return {"id": SUBJECT[f"s{number}"], "incident_id": INCIDENT[incident], **values, "ended_at": ended_at}


def _subjects():
    hourly, queue = SCHEDULE["hourly"], SCHEDULE["queue"]
    return [
        _subject(1, "fresh", queue, 3),
        _subject(2, "repeated", hourly, 95),
        _subject(3, "closed", hourly, 200, at(m=-1)),
        _subject(4, "flapping", queue, 8),
        _subject(5, "calm", hourly, 20, at(m=-10)),
        _subject(6, "muted", hourly, 14),
        _subject(7, "acknowledged", hourly, 44),
        _subject(8, "old", hourly, 100, at(d=-90)),
        _subject(9, "of-host", SCHEDULE["allow"], 5),
        _subject(10, "of-host", SCHEDULE["filled"], 4, at(m=-2)),
        _subject(11, "of-host", SCHEDULE["daily"], 3),
        _subject(12, "waiting", f"gate:{GATE['host-failing']}", 16),
        _subject(13, "silent", queue, 17),
        _subject(14, "bob-fresh", SCHEDULE["bob-hourly"], 18),
        _subject(15, "of-operator", "booper:broker", 19),
        _subject(16, "noted", uuid_of("schedule", "deleted"), 21),
    ]


def _notification(number, incident, message_type, target, job_name):
    target_row = next(row for row in _targets() if row["id"] == TARGET[target])
    shown = {
        "hook": "https://hooks.example/a",
        "slack": "https://hooks.slack.example/[redacted]",
        "mail": "ops@mail.example",
    }
    return {
        "id": NOTIFICATION[f"n{number}"],
        "incident_id": INCIDENT[incident],
        "type": message_type,
        "way": target_row["way"],
        "address": shown[target],
        "job_id": JOB.get(job_name, 1),
        "inserted_at": at(m=-90 + number),
    }


def rows():
    return {
        tables.Alert: _rules(),
        AlertTarget: _targets(),
        tables.Incident: _incidents(),
        tables.IncidentSubject: _subjects(),
        tables.Notification: [
            _notification(1, "repeated", "opened", "hook", "alert-ended"),
            _notification(2, "repeated", "repeated", "hook", "alert-first"),
            _notification(3, "closed", "opened", "hook", "alert-second"),
            _notification(4, "repeated", "repeated", "hook", "alert-second"),
            _notification(5, "closed", "opened", "slack", "alert-third"),
            _notification(6, "fresh", "opened", "mail", "alert-mail"),
            _notification(7, "calm", "opened", "mail", "alert-mail-done"),
            _notification(8, "old", "opened", "hook", "no such job"),
        ],
        tables.StatusPage: [
            {"account_id": ACCOUNT["alice"], "token": "A" * 43, "created_at": at(d=-5)},
            {"account_id": ACCOUNT["bob"], "token": "B" * 43, "created_at": at(d=-6)},
        ],
        tables.AlertTest: [
            {"account_id": _owner(name), "sent_at": sent_at}
            for name, sent_at in (
                ("alice", at(h=-1)),
                ("alice", at(h=-1, us=1)),
                ("alice", at(m=-20)),
                ("bob", at(h=-2)),
            )
        ],
    }
