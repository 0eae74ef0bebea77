"""What each action on alert rules and incidents returns and changes in the database, and what is sent about them."""

from pathlib import Path

import pytest

from models.alerts import (
    alert_store,
    announcing,
    evaluation,
    incident_rows,
    incident_store,
    message_order,
    messages,
    polling,
    quiet_hours,
    scopes,
    shares,
    status_pages,
    trial_messages,
)
from models.alerts.alert_tables import AlertTest
from models.alerts.conditions import (
    Ends,
    HealthEvent,
    Options,
    Quiet,
    Window,
    begins,
    covers,
    ended,
    options_text,
    window_of,
)
from models.alerts.forms import message_forms
from models.alerts.incident_rows import Begin, Key
from models.alerts.message_order import Earlier
from models.alerts.messages import Message
from models.alerts.ways import WAYS, Target, WrongTarget, read_targets, target_of
from models.database.paging import PageRequest
from models.database.sql import execute, fetch
from models.jobs.job_store import NewJob
from models.operations.operator_alerts import operator_incidents, troubles, turn
from models.operations.operator_alerts.troubles import Bounds, Trouble
from models.rules.clock import DAY, HOUR, MINUTE, SECOND
from tests.support.clocks import START as NOW
from tests.support.recorded import Recorded
from tests.support.rich.asking import ALICE, BOB, CAROL, in_turn, of_each
from tests.support.rich.names import ALERT, INCIDENT, SCHEDULE, uuid_of

RECORDED = Recorded(Path(__file__).with_name("recorded") / "alerts")
HOOK = Target("webhook", "https://hooks.example/a")
RULE = {
    "name": "fresh",
    "types": ("failed", "late"),
    "scope": ("label", "night"),
    "options": Options(after=3, repeat_us=5, quiet=Quiet(1, 2, "UTC"), share=0.25),
    "enabled": True,
    "targets": [target_of("email", "a@b.example"), target_of("pagerduty", "r" * 32), HOOK, HOOK],
    "muted_until": NOW + 5,
}


def create(account_id=ALICE, unique=False, **values):
    return alert_store.create(account_id, RULE | values, NOW, unique)


def change(name, account_id=ALICE, /, **values):
    return alert_store.change(account_id, uuid_of("alert", name), values, NOW)


RULES = {
    "create": create,
    "create a disabled one": lambda: create(enabled=False, options=Options(), muted_until=None),
    "create one of a known name": lambda: create(name="rule any", unique=True),
    "create one of a name of another": lambda: create(name="rule bob-any", unique=True, targets=[]),
    "change nothing": lambda: change("any"),
    "change the name": lambda: change("any", name="renamed"),
    "change the types": lambda: change("any", types=("failed",)),
    "change the scope": lambda: change("any", scope=("host", "h.example")),
    "change a threshold": lambda: change("hourly", options=Options(after=4)),
    "change when it is sent": lambda: change("any", options=Options(repeat_us=7, quiet=Quiet(3, 4, "UTC"))),
    "change the targets": lambda: change("any", targets=[HOOK, Target("ntfy", "https://ntfy.example/other"), HOOK]),
    "disable": lambda: change("any", enabled=False),
    "mute": lambda: change("any", muted_until=NOW + 9),
    "unmute": lambda: change("muted", muted_until=None),
    "unmute what was sent": lambda: change("any", muted_until=None),
    "change of another": lambda: change("any", BOB, name="renamed"),
    **of_each("delete", lambda name: alert_store.delete(ALICE, uuid_of("alert", name), NOW), "any bob-any"),
    "list": lambda: [
        [row.name, row.enabled, [target.shown for target in row.targets]] for row in alert_store.listed(ALICE)
    ],
    "find": lambda: [
        alert_store.find(ALICE, uuid_of("alert", "quiet")),
        alert_store.find(BOB, uuid_of("alert", "quiet")),
    ],
    "total": lambda: [alert_store.total(ALICE), alert_store.total(BOB)],
}


def rules():
    return {rule.name.removeprefix("rule "): rule for rule in evaluation.all_rules()}


def begin(alert, condition="failed", subject="weekly", about=None, at=NOW):
    subject = SCHEDULE.get(subject, subject)
    return Begin(rules()[alert], condition, subject, about or f"schedule:{subject}", f"the {alert}", f"why {alert}", at)


def key(alert, condition, subject):
    return Key(ALERT[alert], condition, SCHEDULE.get(subject, subject))


INCIDENTS = {
    "evaluate all": lambda: [evaluation.evaluate(NOW), evaluation.evaluate(NOW + 1), evaluation.evaluate(NOW + 2)],
    "rules": lambda: [
        rules()["flow"],
        rules()["share"],
        [rule.name for rule in evaluation.rules_where("account_id", {BOB})],
    ],
    "watched": lambda: evaluation.watched_schedules(
        [SCHEDULE["hourly"], SCHEDULE["cron"], SCHEDULE["group"], uuid_of("schedule", "deleted")]
    ),
    "begin": lambda: incident_rows.begin([begin("any"), begin("any"), begin("host", subject="cron")], NOW),
    "begin two of a host": lambda: incident_rows.begin(
        [
            begin("any", subject=name, about="host:x.example", at=NOW - place)
            for place, name in enumerate(("weekly", "cron"))
        ],
        NOW,
    ),
    "begin what is open": lambda: incident_rows.begin([begin("any", "late", "queue")], NOW),
    "begin another of an open one": lambda: incident_rows.begin(
        [begin("any", subject="weekly", about="host:allow.example")], NOW
    ),
    "begin what flaps too slowly": lambda: incident_rows.begin(
        in_turn(*[lambda m=minutes: flap(m) for minutes in (60, 40, 20)])[-1:], NOW
    ),
    "begin what flaps": lambda: incident_rows.begin(
        in_turn(*[lambda m=minutes: flap(m) for minutes in (59, 40, 20)])[-1:], NOW
    ),
    "end": lambda: incident_rows.end(
        [(key("any", "failed", "queue"), NOW - 5), (key("any", "silent", "hourly"), NOW - 6)], NOW
    ),
    "end one of many": lambda: incident_rows.end([(key("any", "failed", "allow"), NOW - 7)], NOW),
    "end all of many": lambda: incident_rows.end(
        [(key("any", "failed", name), NOW - 8) for name in ("allow", "daily")], NOW
    ),
    "end one that flaps": lambda: incident_rows.end([(key("any", "late", "queue"), NOW - 9)], NOW),
    "end what is over": lambda: incident_rows.end([(key("any", "missed", "hourly"), NOW)], NOW),
    "close calm ones": lambda: incident_rows.close_calm(NOW),
    "close calm ones too early": lambda: incident_rows.close_calm(NOW - 1),
    "open subjects": lambda: sorted(incident_rows.open_subjects([SCHEDULE["hourly"], SCHEDULE["queue"]])),
    "poll": lambda: polling.poll(NOW),
    "poll when all is over": lambda: [
        polling.poll(NOW),
        execute("UPDATE job SET lease_until = NULL, parked_by = NULL"),
        polling.poll(NOW + 9),
    ],
    "poll silence of those that are gone": lambda: [
        execute("DELETE FROM schedule WHERE id = %s", (SCHEDULE["queue"],)),
        execute("UPDATE schedule SET disabled_at = 1 WHERE id = %s", (SCHEDULE["hourly"],)),
        polling.poll_silence(NOW),
    ],
    "shares": lambda: shares.ends_within(
        [Window(SCHEDULE["hourly"], NOW - spans * HOUR, 2 * HOUR) for spans in (0, 1, 2)]
    ),
    "shares at the edges": lambda: shares.ends_within(
        [
            Window(SCHEDULE["hourly"], NOW - 119 * MINUTE + late, span)
            for late, span in ((0, 1), (-1, 1), (HOUR, HOUR), (HOUR, HOUR + 1))
        ]
    ),
    "scopes": lambda: {
        name: sorted(row[0] for row in fetch(f"SELECT name FROM schedule WHERE {where} AND name IS NOT NULL", params))
        for name, (where, params) in ((name, scopes.schedules_of(rule)) for name, rule in rules().items())
    },
    "covers": lambda: {
        name: sorted(
            each.title for each in evaluation.watched_schedules(list(SCHEDULE.values())).values() if covers(rule, each)
        )
        for name, rule in rules().items()
    },
}


def flap(minutes):
    """The incident opened that long ago, and closed."""
    execute(
        "INSERT INTO incident (uuid, account_id, alert_id, alert_name, type, subject, title, detail, opened_at, "
        "is_flapping, subjects, closed_at) VALUES (%s, %s, %s, 'a', 'failed', %s, 't', 'd', %s, 0, 1, %s)",
        (
            *(uuid_of("incident", f"flap {minutes}"), ALICE, ALERT["any"], f"schedule:{SCHEDULE['weekly']}"),
            *(NOW - minutes * MINUTE, NOW - minutes * MINUTE + 1),
        ),
    )
    return begin("any")


def event(event_type, number, host=None):
    return HealthEvent(1, SCHEDULE["hourly"], event_type, NOW, number, "timeout", host)


EVENTS = (
    *(event("failed", 1), event("failed", 2), event("failed", 3), event("succeeded", 0), event("disabled", 4)),
    *(event("begun", 300_000_000), event("begun", 300_000_001), event("missed", 1)),
)
MEANING = {
    f"of {each.type} {each.number}": lambda each=each: {
        name: [begins(rule, each, ends), ended(rule, each, ends), window_of(rule, each)]
        for name, rule in rules().items()
        if name in ("any", "hourly", "label", "polled")
        for ends in [Ends(0, 0)]
    }
    for each in EVENTS
} | {
    f"of a share of {failed} of {jobs}": lambda jobs=jobs, failed=failed: [
        [
            begins(rules()["share"], each, Ends(jobs, failed)),
            ended(rules()["share"], each, Ends(jobs, failed)),
            window_of(rules()["share"], each),
        ]
        for each in (event("failed", 9), event("succeeded", 0))
    ]
    for jobs, failed in ((1, 1), (2, 1), (4, 1), (4, 2))
}


def instances(*names):
    return [incident_store.find(ALICE, uuid_of("incident", name)) for name in names]


def message(message_type, *names):
    return Message(message_type, "rule <any> & *all*", instances(*names), NOW)


def step(name, alert="any", announced=None, **columns):
    [incident] = instances(name)
    rule = rules()[alert]._replace(
        **{each: columns.pop(each) for each in ("muted_until", "options", "types") if each in columns}
    )
    return announcing.step_of(incident._replace(**columns), announced, rule, NOW)


SENDING = {
    "announce": lambda: announcing.announce(NOW),
    "announce the first": lambda: announcing.announce(NOW - 8 * SECOND),
    "step of one that opened": lambda: step("fresh"),
    "step of one that closed unsent": lambda: step("fresh", closed_at=NOW - 1),
    "step of one that closed": lambda: step("fresh", announced="opened", closed_at=NOW - 1),
    "step of one that closed, unwanted": lambda: step("fresh", "hourly", announced="opened", closed_at=NOW - 1),
    "step of one that is repeated": lambda: step("fresh", announced="opened"),
    "step of one that is acknowledged": lambda: step("acknowledged", announced="opened"),
    "step without repeats": lambda: step("fresh", "hourly", announced="opened"),
    "step of a muted rule": lambda: step("fresh", "muted"),
    "step of a muted incident": lambda: step("fresh", muted_until=NOW + 1),
    "step of one muted until now": lambda: step("fresh", muted_until=NOW),
    "step of a muted one that is over": lambda: step("fresh", "muted", closed_at=NOW - 1),
    "step of a muted one that was sent": lambda: step("fresh", "muted", announced="opened", closed_at=NOW - 1),
    "step in quiet hours": lambda: step("fresh", "quiet"),
    "step without a rule": lambda: announcing.step_of(instances("fresh")[0], "opened", None, NOW),
    "targets": lambda: announcing.targets_of([ALERT["any"], ALERT["flow"], ALERT["muted"]]),
    "behind the latest": lambda: message_order.behind(
        NewJob(ALICE, "{}", None, None, NOW),
        5,
        [1, 2, 3, 4],
        {
            (1, 5): Earlier(7, "first"),
            (3, 5): Earlier(9, "latest"),
            (2, 5): Earlier(8, "second"),
            (4, 6): Earlier(10, "other"),
        },
        NOW,
    )._asdict(),
    "behind nothing": lambda: message_order.behind(NewJob(ALICE, "{}", None, None, NOW), 5, [1], {}, NOW).after_uuid,
    "release": lambda: message_order.release_next_messages(NOW),
    "unfinished": lambda: message_order.unfinished([INCIDENT["repeated"], INCIDENT["closed"], INCIDENT["fresh"]]),
    "test": lambda: trial_messages.send(ALICE, ALERT["any"], "rule any", NOW),
    "test a target": lambda: trial_messages.send(ALICE, ALERT["any"], "rule any", NOW, 5),
    "test one without targets": lambda: trial_messages.send(ALICE, ALERT["muted"], "rule muted", NOW),
    "test as often as allowed": lambda: [
        sent_tests(21),
        trial_messages.send(ALICE, ALERT["muted"], "any", NOW),
        len(trial_messages.send(ALICE, ALERT["flow"], "any", NOW)),
    ],
    "test too often": lambda: [sent_tests(22), trial_messages.send(ALICE, ALERT["any"], "any", NOW)],
}


def sent_tests(count):
    AlertTest.insert_many([{"account_id": ALICE, "sent_at": NOW - 3 - place} for place in range(count)]).execute()


FORMS = {
    f"{message_type} by {way}": lambda way=way, message_type=message_type, names=names: message_forms.form_of(
        way, message(message_type, *names)
    )
    for way in WAYS
    for message_type, names in (("opened", ["fresh"]), ("closed", ["closed"]), ("test", []))
} | {
    "many by slack": lambda: message_forms.form_of("slack", message("opened", "fresh", "of-host", "flapping")),
    "more than are listed": lambda: messages.text(message("repeated", *["fresh", "of-host"] * 6)),
    "many that closed": lambda: messages.text(message("closed", "closed", "late-one")),
    "end of a test": lambda: message_forms.form_of("pagerduty", message("test_ended")),
    "each condition": lambda: [
        [
            messages.headline(Message(kind, "r", [instances("fresh")[0]._replace(type=condition)], NOW))
            for kind in messages.TYPES[:3]
        ]
        for condition in messages.VERBS
    ],
    "a repeated one": lambda: messages.text(message("repeated", "flapping")),
    "a host that is down": lambda: [
        messages.headline(message("opened", "of-host")),
        messages.line_of(instances("waiting")[0], NOW),
    ],
    "durations": lambda: [
        messages.duration(us)
        for us in (-1, 59_999_999, MINUTE, 59 * MINUTE, 3 * HOUR + 5 * MINUTE, DAY, 2 * DAY + 4 * HOUR)
    ],
    "targets of a text": lambda: read_targets("slack=https://a.example/x,y; email=a@b.example pagerduty=" + "p" * 32),
    **of_each("a wrong target", lambda text: wrong(text), "fax=1 email=nobody pagerduty=1 slack=nowhere"),
    "hosts of targets": lambda: [
        [each.target.shown, each.target.host] for each in announcing.targets_of([ALERT["any"]])[ALERT["any"]]
    ],
    "quiet hours": lambda: [
        quiet_hours.end_of_quiet(Quiet(start, end, zone), NOW)
        for start, end, zone in (
            (540, 541, "UTC"),
            (541, 540, "UTC"),
            (539, 540, "UTC"),
            (1320, 630, "Europe/Berlin"),
            (600, 601, "Europe/Berlin"),
        )
    ],
    "options": lambda: options_text(Options(after=2, late_after_us=5, quiet=Quiet(1, 2, "UTC"))),
}


def wrong(text):
    try:
        return read_targets(text)
    except WrongTarget as error:
        return str(error)


def page(direction="desc", limit=50, place=None):
    return PageRequest(("opened_at", direction), limit, 0, place)


def listed(state=None, account_id=ALICE, **columns):
    rows, end = incident_store.listed(account_id, state, page(**columns))
    return [[row.id for row in rows], end]


def incident(action, name, *values, account_id=ALICE):
    return action(account_id, uuid_of("incident", name), *values, NOW)


OWNERS = {
    "list": listed,
    "list the open": lambda: listed("open"),
    "list the closed": lambda: listed("closed", direction="asc"),
    "list two": lambda: listed(limit=2),
    "list behind two": lambda: listed(limit=2, place=listed(limit=2)[1]),
    "list of another": lambda: listed(account_id=BOB),
    "find": lambda: instances("acknowledged", "bob-fresh"),
    "messages of an incident": lambda: [
        incident_store.notifications_of(INCIDENT[name]) for name in ("repeated", "old", "fresh")
    ],
    "subjects of an incident": lambda: incident_store.subjects_of(INCIDENT["of-host"]),
    **of_each("acknowledge", lambda name: incident(incident_store.acknowledge, name), "fresh acknowledged bob-fresh"),
    "mute": lambda: incident(incident_store.mute, "fresh", NOW + 3),
    "unmute": lambda: incident(incident_store.mute, "muted", None),
    "unmute one that was sent": lambda: incident(incident_store.mute, "flapping", None),
    **of_each("close", lambda name: incident(incident_store.close, name), "of-host closed calm bob-fresh"),
    "prune": lambda: incident_store.prune(NOW - 90 * DAY, 9),
    "prune one": lambda: incident_store.prune(NOW, 1),
    "token": lambda: [status_pages.token_of(ALICE), status_pages.token_of(CAROL)],
    "renew": lambda: [status_pages.renew(ALICE, NOW), status_pages.renew(CAROL, NOW)],
    "revoke": lambda: [status_pages.revoke(ALICE), status_pages.revoke(CAROL)],
    "account of a token": lambda: [
        status_pages.account_of("A" * 43),
        status_pages.account_of("C" * 43),
        status_pages.account_of("A"),
    ],
    "status page": lambda: [
        row._replace(is_running=bool(row.is_running)) for row in status_pages.shown_schedules(ALICE)
    ],
    "last incident": lambda: [status_pages.last_incident(account_id) for account_id in (ALICE, BOB, CAROL)],
    "count of schedules": lambda: [status_pages.count(ALICE), status_pages.count(BOB)],
}
OPERATOR = operator_incidents.rule_of("operator of x", 9 * MINUTE)


def trouble(kind, ago_s, after_s=60):
    return Trouble(kind, f"why {kind}", NOW - ago_s * SECOND, after_s * SECOND)


def troubles_now(backlog_s=60, **columns):
    return troubles.troubles(Bounds(backlog_s * SECOND, **columns), NOW)


class Turns(turn.Turn):
    def __init__(self, watcher):
        super().__init__()
        self.watcher = watcher


def note_late(meanwhile):
    dues = operator_incidents.due(OPERATOR, NOW)
    execute(f"UPDATE incident SET {meanwhile} WHERE alert_id = 0")
    operator_incidents.note(dues)


WATCH = {
    "update": lambda: operator_incidents.update(
        OPERATOR,
        [trouble("ticker", 60), trouble("disk", 59), trouble("backlog", 0, 0), trouble("mail", 61)],
        NOW - 90 * SECOND,
        NOW,
    ),
    "update while watched for a moment": lambda: operator_incidents.update(
        OPERATOR, [trouble("ticker", 99), trouble("broker", 99)], NOW - 59 * SECOND, NOW
    ),
    "an outage": lambda: operator_incidents.note_outage(OPERATOR, NOW - HOUR, NOW - MINUTE, NOW, is_sent=False),
    "an outage that was sent": lambda: operator_incidents.note_outage(
        OPERATOR, NOW - HOUR, NOW - MINUTE, NOW, is_sent=True
    ),
    "an outage twice": lambda: [
        operator_incidents.note_outage(OPERATOR, NOW - HOUR, NOW - MINUTE, NOW, is_sent=True),
        operator_incidents.note_outage(OPERATOR, NOW - HOUR, NOW, NOW, is_sent=False),
    ],
    "outage": lambda: operator_incidents.outage(OPERATOR, NOW - 5, "gone"),
    "due": lambda: operator_incidents.due(OPERATOR, NOW),
    "grouped": lambda: {
        name: len(dues) for name, dues in operator_incidents.grouped(operator_incidents.due(OPERATOR, NOW)).items()
    },
    "note": lambda: operator_incidents.note(operator_incidents.due(OPERATOR, NOW)),
    "note of one that closed": lambda: note_late("closed_at = 7, announce_at = 5"),
    "note of one that was sent meanwhile": lambda: note_late("announced = 'closed'"),
    "open now": lambda: [
        [row.id for row in operator_incidents.open_now(NOW + late)] for late in (0, 100 * SECOND, 100 * SECOND + 1)
    ],
    "troubles": troubles_now,
    "troubles with mail": lambda: troubles_now(sends_mail=True, backlog_s=7_200),
    "troubles while held": lambda: troubles_now(is_held=True),
    "troubles without a ticker": lambda: [
        execute("UPDATE ticker SET seen_at = seen_at - 1000001"),
        troubles_now(99_999),
    ],
    "troubles of the broker": lambda: [
        execute("UPDATE queue_depth SET seen_at = seen_at - 26000001"),
        troubles_now(99_999),
    ],
    "troubles of deliveries": lambda: [
        execute("UPDATE ticker SET delivered_until = delivered_until - 52000001"),
        troubles_now(99_999),
    ],
    "troubles without workers": lambda: [
        execute("UPDATE worker SET seen_at = seen_at - 14000001"),
        troubles_now(99_999),
    ],
    "troubles of one worker": lambda: [execute("DELETE FROM worker WHERE id LIKE 'd%%'"), troubles_now(99_999)],
    "a turn": lambda: Turns("watcher-1").take(NOW, 5.0),
    "a turn of another": lambda: Turns("w").take(NOW, 5.0),
    "a turn after a while": lambda: [
        (watch := Turns("w")).take(NOW, 5.0),
        watch.take(NOW, 64.9),
        watch.take(NOW, 65.0),
        watch.keep(NOW + 1),
        watch.leave(),
    ],
}
TEXTS = {
    **{"rules": RULES, "incidents": INCIDENTS, "meaning": MEANING, "sending": SENDING, "forms": FORMS},
    **{"owners": OWNERS, "watch": WATCH},
}


@pytest.mark.parametrize("name", TEXTS)
def test_incidents_change_as_recorded(scenario, name):
    RECORDED.compare(name, scenario.text_of(TEXTS[name], bodies=name == "sending"))


def test_each_text_is_of_some_actions():
    RECORDED.are_exactly(TEXTS)
