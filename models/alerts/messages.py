"""Writes what is sent about incidents: in words, and in the form of each way. Pure.

Names come from clients, so each way gets them as its plain text: no name becomes markup, a link or a mention.
"""

from collections.abc import Sequence
from email.header import Header
from typing import Any, NamedTuple

from models.alerts import conditions, ways
from models.jobs.job_json import JSON_TYPE, compact
from models.rules.clock import DAY, HOUR, MINUTE, SECOND
from models.rules.times import format_instant, format_seconds
from models.webhooks import channel_forms

OPENED, REPEATED, CLOSED, TEST = "opened", "repeated", "closed", "test"
TYPES = (OPENED, REPEATED, CLOSED, TEST)
LISTED = 10  # of many incidents in one message
MAX_TEXT_CHARS = 1500
TEXT_TYPE = "text/plain; charset=utf-8"
VERBS = {
    conditions.FAILED: "fails",
    conditions.MISSED: "missed a run",
    conditions.LATE: "runs late",
    conditions.LONG: "runs long",
    conditions.SILENT: "is silent",
    conditions.WAITING: "holds jobs back",
}
NOUNS = {**dict.fromkeys(conditions.CONDITIONS, "schedules"), conditions.WAITING: "gates"}


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


class Form(NamedTuple):
    """The body of a message, and the headers that its way asks for."""

    body: bytes
    content_type: str
    headers: dict[str, str]


def form_of(way: str, message: Message) -> Form:
    """The message as this way takes it. PagerDuty's lacks the key, which the sender adds."""
    if way == ways.NTFY:
        return _ntfy(message)
    documents = {
        ways.WEBHOOK: webhook,
        ways.SLACK: _slack,
        ways.DISCORD: _discord,
        ways.TEAMS: _teams,
        ways.PAGERDUTY: pagerduty,
    }
    return Form(compact(documents[way](message)).encode(), JSON_TYPE, {})


def headline(message: Message) -> str:
    """The message in one line, whatever the names contain."""
    return " ".join(_headline(message).split())


def _headline(message: Message) -> str:
    if message.type == TEST:
        return f"This is a test of the alert rule {message.rule_name}"
    if len(message.incidents) == 1:
        return _line(message.type, message.incidents[0], message.at)
    verb = {OPENED: "opened", REPEATED: "are still open", CLOSED: "closed"}[message.type]
    return f"{message.rule_name}: {len(message.incidents):,} incidents {verb}"


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
        "opened_at": _instant(incident.opened_at),
        "closed_at": _instant(incident.closed_at),
        "acknowledged_at": _instant(incident.acknowledged_at),
        "muted_until": _instant(incident.muted_until),
    }


def webhook(message: Message) -> dict[str, Any]:
    """One incident, or the test of a rule."""
    about = shape(message.incidents[0]) if message.incidents else None
    return {"type": f"incident.{message.type}", "timestamp": format_instant(message.at), "incident": about}


def pagerduty(message: Message) -> dict[str, Any]:
    """An event of PagerDuty's Events API v2, without its routing key."""
    if not message.incidents:
        return _trigger(message, "booper-test", "info")
    incident = message.incidents[0]
    if message.type == CLOSED:
        return {"event_action": "resolve", "dedup_key": incident.uuid}
    return _trigger(message, incident.uuid, "error")


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
    verb = VERBS[incident.type]
    if message_type == CLOSED:
        return f"{incident.title} has recovered: it {_past(verb)} for {since}"
    if incident.subject.startswith("host:") and incident.type == conditions.FAILED:
        noun = "schedule fails" if incident.subjects == 1 else f"{NOUNS[incident.type]} fail"
        line = f"{incident.title} is down: {incident.subjects:,} {noun}"
    else:
        line = f"{incident.title} {verb}"
    return f"{line}, for {since} now" if message_type == REPEATED else line


def _past(verb: str) -> str:
    return {"fails": "failed", "runs late": "ran late", "runs long": "ran long", "is silent": "was silent"}.get(
        verb, {"missed a run": "missed runs", "holds jobs back": "held jobs back"}.get(verb, verb)
    )


def _about(incident: IncidentRow) -> list[str]:
    rows = [f"Since {format_seconds(incident.opened_at)} UTC", f"Rule: {incident.alert_name}"]
    if incident.closed_at is not None:
        rows.insert(1, f"Until {format_seconds(incident.closed_at)} UTC")
    if incident.detail:
        rows.insert(0, incident.detail)
    return [*rows, "It flaps: it opened often of late"] if incident.is_flapping else rows


def _slack(message: Message) -> dict[str, Any]:
    return {"text": channel_forms.escaped(text(message))}


def _discord(message: Message) -> dict[str, Any]:
    content = channel_forms.cut(channel_forms.marked(text(message)), channel_forms.MAX_DISCORD_CHARS)
    return {"content": content, "allowed_mentions": {"parse": []}}


def _teams(message: Message) -> dict[str, Any]:
    blocks = [{"type": "TextBlock", "text": _plain(headline(message)), "weight": "Bolder", "wrap": True}]
    blocks += [{"type": "TextBlock", "text": _plain(line), "wrap": True, "spacing": "Small"} for line in lines(message)]
    card = {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "body": blocks,
    }
    attachment = {"contentType": "application/vnd.microsoft.card.adaptive", "contentUrl": None, "content": card}
    return {"type": "message", "attachments": [attachment]}


def _ntfy(message: Message) -> Form:
    """ntfy takes the text as the body, and the title in a header, encoded where it is not ASCII."""
    title = Header(channel_forms.cut(headline(message), 200), "utf-8", maxlinelen=10_000).encode()
    headers = {"Title": title, "Priority": "high" if message.type in (OPENED, REPEATED) else "default"}
    body = channel_forms.cut("\n".join(lines(message)), MAX_TEXT_CHARS)
    return Form(body.encode(), TEXT_TYPE, headers | {"Tags": "white_check_mark" if message.type == CLOSED else "bell"})


def _trigger(message: Message, dedup_key: str, severity: str) -> dict[str, Any]:
    payload = {
        "summary": channel_forms.cut(headline(message), 1024),
        "source": message.incidents[0].title if message.incidents else "booper",
        "severity": severity,
        "timestamp": format_instant(message.incidents[0].opened_at if message.incidents else message.at),
        "component": "booper",
        "custom_details": {"lines": lines(message)},
    }
    return {"event_action": "trigger", "dedup_key": dedup_key, "payload": payload}


def _plain(line: str) -> str:
    """Without what Teams reads as Markdown."""
    return channel_forms.marked(line).replace("[", "\\[").replace("]", "\\]")


def _instant(at: int | None) -> str | None:
    return None if at is None else format_instant(at)
