"""Says in words what is sent about incidents. Pure. `models/alerts/forms` writes it in the form of each way."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from models.alerts import conditions
from models.rules.clock import DAY, HOUR, MINUTE, SECOND
from models.rules.times import format_seconds, instant_or_none
from models.webhooks import channel_forms

OPENED, REPEATED, CLOSED, TEST = "opened", "repeated", "closed", "test"
TYPES = (OPENED, REPEATED, CLOSED, TEST)
TEST_ENDED = "test_ended"  # only for ways.KEPT_OPEN, which keep a test until they get its end
LISTED = 10  # of many incidents in one message
MAX_TEXT_CHARS = 1500
VERBS = {  # while it is open, and once it is closed
    conditions.FAILED: ("fails", "failed"),
    conditions.MISSED: ("missed a run", "missed runs"),
    conditions.LATE: ("runs late", "ran late"),
    conditions.LONG: ("runs long", "ran long"),
    conditions.SILENT: ("is silent", "was silent"),
    conditions.WAITING: ("holds jobs back", "held jobs back"),
    conditions.TICKER: ("is silent", "was silent"),
    conditions.SENDERS: ("has no process", "had no process"),
    conditions.WORKER: ("is silent", "was silent"),
    conditions.BROKER: ("passes on no messages", "passed on no messages"),
    conditions.BACKLOG: ("is behind", "was behind"),
    conditions.MAIL: ("takes no messages", "took no messages"),
    conditions.DISK: ("is nearly full", "was nearly full"),
    conditions.DATABASE: ("cannot be used", "could not be used"),
}


class IncidentRow(NamedTuple):
    """An incident as messages and clients see it; see models/alerts/alert_tables.py for each column."""

    id: int
    uuid: str
    alert_id: int
    alert_name: str
    type: str
    subject: str
    title: str
    detail: str
    subjects: int
    is_flapping: int
    opened_at: int
    closed_at: int | None
    acknowledged_at: int | None
    muted_until: int | None


class Message(NamedTuple):
    """What happened (one of TYPES) to one or more incidents of a rule."""

    type: str
    rule_name: str
    incidents: Sequence[IncidentRow]
    at: int


def headline(message: Message) -> str:
    """The message in one line, whatever the names contain."""
    return " ".join(_headline(message).split())


def _headline(message: Message) -> str:
    if message.type == TEST:
        return f"This is a test of the alert rule {message.rule_name}"
    if message.type == TEST_ENDED:
        return f"End of the test of the alert rule {message.rule_name}"  # also the name of its job, while that waits
    if len(message.incidents) == 1:
        return _line(message.type, message.incidents[0], message.at)
    verb = {OPENED: "opened", REPEATED: "are still open", CLOSED: "closed"}[message.type]
    return f"{message.rule_name}: {len(message.incidents):,} incidents {verb}"


def line_of(incident: IncidentRow, now: int) -> str:
    """An open incident in one line, with how long it has lasted."""
    return _line(REPEATED, incident, now)


def lines(message: Message) -> list[str]:
    """What follows the headline."""
    if message.type == TEST:
        return ["Nothing is wrong. Messages about incidents come this way."]
    if len(message.incidents) == 1:
        return _about(message.incidents[0])
    shown = [_line(message.type, each, message.at) for each in message.incidents[:LISTED]]
    left = len(message.incidents) - LISTED
    return [*shown, f"and {left:,} more"] if left > 0 else shown


def text(message: Message) -> str:
    """Headline and lines."""
    return channel_forms.cut("\n".join([headline(message), *lines(message)]), MAX_TEXT_CHARS)


def shape(incident: IncidentRow) -> dict[str, Any]:
    """An incident as the API and webhooks show it."""
    return {
        "id": incident.uuid,
        "alert": incident.alert_name,
        "type": incident.type,
        "subject": incident.subject,
        "title": incident.title,
        "detail": incident.detail,
        "subjects": incident.subjects,
        "flapping": bool(incident.is_flapping),
        "opened_at": instant_or_none(incident.opened_at),
        "closed_at": instant_or_none(incident.closed_at),
        "acknowledged_at": instant_or_none(incident.acknowledged_at),
        "muted_until": instant_or_none(incident.muted_until),
    }


def duration(us: int) -> str:
    """A span in words: 45 s, 12 min, 3 h 5 min, 2 d 4 h."""
    if us < MINUTE:
        return f"{max(us, 0) // SECOND} s"
    if us < HOUR:
        return f"{us // MINUTE} min"
    if us < DAY:
        return f"{us // HOUR} h {us % HOUR // MINUTE} min"
    return f"{us // DAY} d {us % DAY // HOUR} h"


def _line(message_type: str, incident: IncidentRow, now: int) -> str:
    since = duration((incident.closed_at or now) - incident.opened_at)
    verb, past = VERBS[incident.type]
    if message_type == CLOSED:
        return f"{incident.title} has recovered: it {past} for {since}"
    if incident.subject.startswith("host:") and incident.type == conditions.FAILED:
        fail = "schedule fails" if incident.subjects == 1 else "schedules fail"
        line = f"{incident.title} is down: {incident.subjects:,} {fail}"
    else:
        line = f"{incident.title} {verb}"
    return f"{line}, for {since} now" if message_type == REPEATED else line


def _about(incident: IncidentRow) -> list[str]:
    rows = [f"Since {format_seconds(incident.opened_at)} UTC", f"Rule: {incident.alert_name}"]
    if incident.closed_at is not None:
        rows.insert(1, f"Until {format_seconds(incident.closed_at)} UTC")
    if incident.detail:
        rows.insert(0, incident.detail)
    return [*rows, "It flaps: it opened several times within an hour"] if incident.is_flapping else rows
