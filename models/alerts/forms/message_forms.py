"""Writes a message in the form of each way. Pure.

Names come from clients, so each way gets them as its plain text: no name becomes markup, a link or a mention.
"""

from email.header import Header
from typing import Any, NamedTuple

from models.alerts import ways
from models.alerts.forms import mail_forms
from models.alerts.messages import CLOSED, OPENED, REPEATED, TEST_ENDED, Message, headline, lines, shape, text
from models.jobs.job_json import JSON_TYPE, compact
from models.rules.times import format_instant
from models.webhooks import channel_forms

MAX_TITLE_CHARS = 200
MAX_SUMMARY_CHARS = 1024
MAX_NTFY_BYTES = 4000  # a server takes 4,096, and makes a file of more
TEST_KEY = "booper-test"  # one for all tests: each resolves also what earlier ones left open
TEXT_TYPE = "text/plain; charset=utf-8"


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
        ways.EMAIL: mail_forms.mail,
    }
    return Form(compact(documents[way](message)).encode(), JSON_TYPE, {})


def webhook(message: Message) -> dict[str, Any]:
    """One incident, or the test of a rule."""
    about = shape(message.incidents[0]) if message.incidents else None
    return {"type": f"incident.{message.type}", "timestamp": format_instant(message.at), "incident": about}


def pagerduty(message: Message) -> dict[str, Any]:
    """An event of PagerDuty's Events API v2, without its routing key."""
    if message.type == TEST_ENDED:
        return {"event_action": "resolve", "dedup_key": TEST_KEY}
    if not message.incidents:
        return _trigger(message, TEST_KEY, "info")
    incident = message.incidents[0]
    if message.type == CLOSED:
        return {"event_action": "resolve", "dedup_key": incident.uuid}
    return _trigger(message, incident.uuid, "error")


def _slack(message: Message) -> dict[str, Any]:
    return {"text": channel_forms.escaped(text(message)), "mrkdwn": False, "unfurl_links": False}


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
    title = Header(channel_forms.cut(headline(message), MAX_TITLE_CHARS), "utf-8", maxlinelen=10_000).encode()
    headers = {"Title": title, "Priority": "high" if message.type in (OPENED, REPEATED) else "default"}
    body = _cut_bytes("\n".join(lines(message)), MAX_NTFY_BYTES)
    return Form(body, TEXT_TYPE, headers | {"Tags": "white_check_mark" if message.type == CLOSED else "bell"})


def _cut_bytes(text: str, limit: int) -> bytes:
    body = text.encode()
    return body if len(body) <= limit else f"{body[: limit - 3].decode(errors='ignore')}…".encode()


def _trigger(message: Message, dedup_key: str, severity: str) -> dict[str, Any]:
    payload = {
        "summary": channel_forms.cut(headline(message), MAX_SUMMARY_CHARS),
        "source": message.incidents[0].title if message.incidents else "booper",
        "severity": severity,
        "timestamp": format_instant(message.incidents[0].opened_at if message.incidents else message.at),
        "component": "booper",
        "custom_details": {"lines": lines(message)},
    }
    return {"event_action": "trigger", "dedup_key": dedup_key, "payload": payload}


def _plain(line: str) -> str:
    """Without what Teams reads as Markdown."""
    return channel_forms.marked(line)
