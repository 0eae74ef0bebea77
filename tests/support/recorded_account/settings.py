"""What the account has set, and the signs of life of the machinery."""

import json

from models.accounts.account_tables import ApiKey, TargetGroup
from models.alerts.alert_tables import Alert, Incident, IncidentSubject, Notification, StatusPage
from models.database.sql import execute
from models.operations import heartbeats
from models.operations.heartbeat_tables import QueueDepth, Worker
from models.operations.heartbeats import MinuteRow
from models.operations.operation_tables import Operation
from models.rules import lateness
from models.rules.clock import MINUTE
from models.schedules.schedule_tables import Calendar
from models.webhooks.webhook_tables import AlertTarget, Channel, ChannelMessage, Endpoint, SigningKey
from tests.support.recorded_account.fixed import NOW, uuid_of
from tests.support.recorded_account.rows import at, us

TOKEN = "status-page-token-of-alice-0000000000000000"[:43]
SECRET = "whsec_c2VjcmV0"


def fill(account):
    keys(account)
    outgoing(account)
    operations(account)
    rules(account)
    incidents(account)
    minutes(account)


def machinery():
    """Two processes that are alive, the second just so, and one that is silent."""
    execute("UPDATE ticker SET seen_at = %s", (at("10s"),))
    for number, (seen, slots, in_use) in enumerate((("15s", 64, 3), ("2s", 128, 5), ("16s", 256, 11))):
        seen_at = at(seen)
        values = {"slots": slots, "slots_in_use": in_use, "started_at": at("9d"), "seen_at": seen_at}
        Worker.create(id=f"w{number}", host=f"box{number}", pid=50 + number, version="0.9", **values)
    QueueDepth.create(id=1, ready=1201, delayed=17, dead=2, seen_at=at("3s"))


def keys(account):
    rows = (("shop deployment", "8d 2h", None), ("", "21d", "1h 4m"), ("reports", "91d", None))
    for number, (name, made, revoked) in enumerate(rows):
        ends = {"created_at": at(made), "revoked_at": revoked and at(revoked)}
        shown = f"sk_Ab{number}…x9Q{number}"
        ApiKey.create(
            uuid=uuid_of(f"key {number}"),
            account=account,
            name=name,
            sha256=f"{account.id}{number}",
            shown_as=shown,
            **ends,
        )
    for number, (name, made, ends) in enumerate(
        (("2025", "400d", "35d"), (None, "35d 2h", "+23h 1m"), ("2026, all", "2h 2m", None))
    ):
        values = {"created_at": at(made), "ends_at": ends and at(ends), "name": name}
        SigningKey.create(
            uuid=uuid_of(f"signing key {number}"), account_id=account.id, secret=f"{SECRET}{number}", **values
        )


def outgoing(account):
    rows = (
        ("https://events.example.com/all", None, 1, "77d"),
        ("https://events.example.com/failed", ["job.discarded", "job.failed"], 1, "12d 3h"),
        ("https://old.example.com/events", None, 0, "5h 5m"),
    )
    for number, (url, types, enabled, made) in enumerate(rows):
        values = {"types": types and json.dumps(types), "enabled": enabled, "created_at": at(made)}
        Endpoint.create(uuid=uuid_of(f"endpoint {number}"), account_id=account.id, url=url, **values)
    Endpoint.create(
        uuid=uuid_of("endpoint gone"),
        account_id=account.id,
        url="https://gone.example.com/",
        created_at=at("4h"),
        deleted_at=at("3h"),
        enabled=0,
    )
    Channel.create(account_id=account.id, name="slack", url="https://hooks.slack.com/secret", created_at=at("6d"))
    for number, ago in enumerate(("9m 10s", "2d", "30s")):
        for owner in (None, account.id):
            text = f"{'everybody' if owner is None else 'our'} message {number}"
            ChannelMessage.create(account_id=owner, author=f"author {number}", content=text, inserted_at=at(ago))
    targets = [
        {"name": "vienna", "url": "https://vienna.example.com/", "headers": {"X-Shop": "1", "X-Key": "secret"}},
        {"name": "graz", "url": "https://graz.example.com/", "headers": {}},
    ]
    groups = (
        ("shops", targets, "31d", "5h 7m"),
        ("backups", targets[:1], "32d", "2d 9h"),
        ("mirrors", targets[1:], "30d", "13m"),
    )
    for name, members, made, changed in groups:
        TargetGroup.create(
            account_id=account.id, name=name, targets=json.dumps(members), created_at=at(made), changed_at=at(changed)
        )
    days = ["2026-12-08", {"from": "2026-12-24", "to": "2027-01-06"}, "2026-04-03"]
    calendars = (
        ("holidays-at", days, "41d", "8h 9m", None),
        ("stocktaking", days[:1], "42d", "1d 7h", uuid_of("nightly")),
        ("unused", [], "40d", "17m", None),
    )
    for name, each, made, changed, moved_to in calendars:
        values = {"created_at": at(made), "changed_at": at(changed), "moved_to": moved_to}
        Calendar.create(account_id=account.id, name=name, days=json.dumps(each), **values)


def operations(account):
    rows = (
        ("running", "cancel", {"host": "shop.example.com", "state": "scheduled"}, 12, 3, 1045, 0, None, "4m"),
        ("running", "retry", {"failed_after": "2026-03-09T14:00:00Z"}, 1, 0, 2000, 1, 5000, "19m"),
        ("running", "delete", {}, 0, 0, 0, 1, None, "23m"),
        ("done", "retry", {"label": "billing", "replayed": False}, 1201, 7, 0, 0, None, "2h 3m"),
        ("done", "cancel", {"text": "sync"}, 5, 0, 0, 0, None, "3h 2m"),
        ("cancelled", "delete", {"kind": "event"}, 31, 2, 8, 0, None, "5h 1m"),
    )
    for number, (state, action, sent, done, failed, left, more, at_most, ago) in enumerate(rows):
        ended_at = None if state == "running" else at(ago) + 7 * MINUTE + number
        counts = {"done": done, "failed": failed, "jobs_left": left, "more_left": more, "counted_at": at(ago)}
        values = {"sent": json.dumps(sent), "job_filter": "{}", "is_read": 0, "held": "[]", "at_most": at_most}
        Operation.create(
            uuid=uuid_of(f"operation {number}"),
            account_id=account.id,
            action=action,
            inserted_at=at(ago),
            state=state,
            ended_at=ended_at,
            **counts,
            **values,
        )


def rules(account):
    rows = (
        (
            "nightly",
            ["failed", "missed", "recovered"],
            ("account", ""),
            {"after": 3},
            1,
            [("webhook", "https://hooks.example/alerts", None)],
        ),
        (
            "shop",
            ["late", "failed"],
            ("label", "billing"),
            {"share": 0.125, "at_least": 9},
            1,
            [
                ("slack", "https://hooks.slack.com/x/y", None),
                ("email", "mailto:ops@example.com", None),
                ("pagerduty", "https://events.pagerduty.com/v2/enqueue", "k" * 32),
            ],
        ),
        ("old", ["waiting"], ("flow", "imports"), {}, 0, [("ntfy", "https://ntfy.example/t", None)]),
    )
    for number, (name, types, scope, options, enabled, targets) in enumerate(rows):
        made = at(f"{60 + number}d")
        values = {
            "types": json.dumps(types),
            "scope_kind": scope[0],
            "scope_key": scope[1],
            "options": json.dumps(options),
        }
        row = Alert.create(
            uuid=uuid_of(f"rule {name}"),
            account_id=account.id,
            name=name,
            enabled=enabled,
            created_at=made,
            changed_at=made,
            **values,
        )
        for way, url, secret in targets:
            AlertTarget.create(account_id=account.id, alert_id=row.id, way=way, url=url, secret=secret)
    StatusPage.create(account_id=account.id, token=TOKEN, created_at=at("70d"))


def incidents(account):
    nightly, hourly = uuid_of("nightly"), uuid_of("rates")
    rows = (
        ("nightly fails", "failed", f"schedule:{nightly}", "Nightly report", "answered 500", "2h 11m", {}, 1),
        (
            "host is down",
            "failed",
            "host:mail.example.org",
            "mail.example.org",
            "",
            "3h 12m",
            {"acknowledged_at": "3h 1m", "muted_until": "+5h 1m"},
            3,
        ),
        (
            "flow waits",
            "waiting",
            "gate:201",
            "imports",
            "31 in 9 min",
            "41m",
            {"is_flapping": 1, "muted_until": "1m"},
            4,
        ),
        ("was late", "late", f"schedule:{hourly}", "Exchange rates", "7 min late", "27h", {"closed_at": "26h 30m"}, 1),
        (
            "was silent",
            "silent",
            f"schedule:{hourly}",
            "Exchange rates",
            "",
            "3d 1h",
            {"closed_at": "2d 20h", "acknowledged_at": "3d"},
            1,
        ),
    )
    for number, (name, kind, subject, title, detail, opened, others, subjects) in enumerate(rows):
        values = {
            "type": kind,
            "subject": subject,
            "title": title,
            "detail": detail,
            "subjects": subjects,
            "is_flapping": 0,
        }
        values |= {key: at(value) if isinstance(value, str) else value for key, value in others.items()}
        row = Incident.create(
            uuid=uuid_of(name),
            account_id=account.id,
            alert_id=1 + number,
            alert_name=f"rule of {name}",
            opened_at=at(opened),
            **values,
        )
        affected = [subject.removeprefix("schedule:")]
        if name == "host is down":
            affected = [nightly, hourly, uuid_of("no schedule")]
        for place, each in enumerate(affected):
            ends = {
                "began_at": at(opened) + place * 61_000_000,
                "ended_at": at("1h 9m") if place == 1 or "closed_at" in others else None,
            }
            IncidentSubject.create(incident_id=row.id, alert_id=1 + number, type=kind, subject=each, **ends)
        if number < 2:
            for place, (message, job_id) in enumerate((("opened", 165), ("repeated", 999))):
                sent = {
                    "way": "slack",
                    "address": f"https://hooks.slack.com/{number}",
                    "inserted_at": at(opened) + place * 127_000_000,
                }
                Notification.create(incident_id=row.id, type=message, job_id=job_id, **sent)


def minutes(account):
    """What single minutes of the last hour brought. The first lies just within the hour, the second just outside."""
    rows = (
        (59, 7, 0, "900us"),
        (60, 1000, 9, "2h"),
        (31, 4, 2, "3.5ms"),
        (30, 5, 0, "70ms"),
        (12, 0, 3, "8s"),
        (1, 11, 1, "1.2s"),
        (0, 2, 1, "40ms"),
    )
    for row in rows:
        add_minute(account, *row)


def add_minute(account, ago, completed, failed, late):
    """What a minute brought. `late`: how late each attempt began; "" for what no page knows any more."""
    counts = lateness.empty()
    for _ in range(completed + failed if late else 0):
        lateness.add(counts, us(late))
    minute_at = NOW - NOW % MINUTE - ago * MINUTE
    heartbeats.record_minutes([MinuteRow(account.id, minute_at, "w1", completed, failed, json.dumps(counts))])
