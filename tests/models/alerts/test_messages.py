"""The form of each way, as its documentation has it; no name becomes markup."""

import json
from email.header import decode_header, make_header

import pytest

from models.alerts import messages
from models.alerts.forms import message_forms
from models.alerts.messages import CLOSED, OPENED, REPEATED, TEST, TEST_ENDED, IncidentRow, Message
from models.rules.clock import DAY, HOUR, MINUTE, SECOND

AT = 1_767_258_000_000_000  # 2026-01-01T09:00:00Z
ROW = IncidentRow(1, "019b", 7, "nightly", "failed", "schedule:5", "backup", "status_500", 1, 0, AT, None, None, None)
MARKUP = "<img src=x>"
NASTY = "*<@U1> [a](https://evil.example) _x_"


def message(message_type=OPENED, rows=(ROW,), at=AT + 90 * SECOND):
    return Message(message_type, "nightly", rows, at)


def document(way, sent):
    form = message_forms.form_of(way, sent)
    assert form.content_type == "application/json"
    return json.loads(form.body)


@pytest.mark.parametrize(
    ("sent", "line"),
    [
        (message(), "backup fails"),
        (message(REPEATED), "backup fails, for 1 min now"),
        (message(CLOSED, [ROW._replace(closed_at=AT + HOUR)]), "backup has recovered: it failed for 1 h 0 min"),
        (
            message(rows=[ROW._replace(subject="host:a.example", title="a.example")]),
            "a.example is down: 1 schedule fails",
        ),
        (
            message(rows=[ROW._replace(subject="host:a.example", title="a.example", subjects=10_000)]),
            "a.example is down: 10,000 schedules fail",
        ),
        (message(rows=[ROW._replace(type="late")]), "backup runs late"),
        (message(CLOSED, [ROW._replace(type="missed", closed_at=AT)]), "backup has recovered: it missed runs for 0 s"),
        (message(CLOSED, [ROW, ROW]), "nightly: 2 incidents closed"),
        (message(TEST, ()), "This is a test of the alert rule nightly"),
        (message(TEST_ENDED, ()), "End of the test of the alert rule nightly"),
    ],
)
def test_a_message_says_in_a_line_what_happened(sent, line):
    assert messages.headline(sent) == line


@pytest.mark.parametrize(
    ("message_type", "priority", "tag"),
    [
        (OPENED, "high", "bell"),
        (REPEATED, "high", "bell"),
        (CLOSED, "default", "white_check_mark"),
        (TEST, "default", "bell"),
    ],
)
def test_ntfy_gets_what_is_open_with_a_high_priority(message_type, priority, tag):
    rows = () if message_type == TEST else (ROW._replace(closed_at=AT if message_type == CLOSED else None),)
    headers = message_forms.form_of("ntfy", message(message_type, rows)).headers
    assert (headers["Priority"], headers["Tags"]) == (priority, tag)


def test_slack_gets_names_as_plain_text():
    form = document("slack", message(rows=[ROW._replace(title=NASTY)]))
    text = form["text"]
    assert (form["mrkdwn"], form["unfurl_links"]) == (False, False)
    assert text.splitlines()[0] == "*&lt;@U1&gt; [a](https://evil.example) _x_ fails"
    assert "Since 2026-01-01T09:00:00 UTC" in text


def test_discord_gets_no_mention_and_no_markup():
    form = document("discord", message(rows=[ROW._replace(title=NASTY)]))
    assert form["allowed_mentions"] == {"parse": []}
    assert form["content"].startswith("\\*<@U1\\>")
    assert len(document("discord", message(rows=[ROW._replace(title="*" * 4000)]))["content"]) <= 2000


@pytest.mark.parametrize("way", ["discord", "teams"])
@pytest.mark.parametrize("name", ["# a", "- a", "+ a", "-# a", "1. a", "[a](https://evil.example)"])
def test_no_name_is_a_heading_a_list_or_a_link(way, name):
    form = document(way, message(rows=[ROW._replace(title=name)]))
    text = form["content"] if way == "discord" else form["attachments"][0]["content"]["body"][0]["text"]
    assert text.startswith(("\\", "1\\."))
    assert "](" not in text.replace("\\]", "")


@pytest.mark.parametrize("name", ["2026-11-28", "a - b", "a # b", "1,000 jobs"])
def test_a_name_without_markup_stays_as_it_is(name):
    assert document("discord", message(rows=[ROW._replace(title=name)]))["content"].startswith(name)


def test_ntfy_gets_no_more_than_its_servers_take_as_a_message():
    sent = message(rows=[ROW._replace(title="\N{BELL}" * 100)] * 10)
    body = message_forms.form_of("ntfy", sent).body
    assert 3990 < len(body) <= 4000
    assert body.decode().endswith("…")


def test_teams_gets_an_adaptive_card_without_links_of_names():
    form = document("teams", message(rows=[ROW._replace(title=NASTY)]))
    [attachment] = form["attachments"]
    assert (form["type"], attachment["contentType"]) == ("message", "application/vnd.microsoft.card.adaptive")
    card = attachment["content"]
    assert (card["type"], card["version"]) == ("AdaptiveCard", "1.4")
    assert card["body"][0]["text"] == "\\*<@U1\\> \\[a\\](https://evil.example) \\_x\\_ fails"


def test_no_line_of_a_card_is_markup():
    [attachment] = document("teams", message(rows=[ROW._replace(detail=NASTY)]))["attachments"]
    texts = [block["text"] for block in attachment["content"]["body"]]
    assert any("evil" in text for text in texts[1:])
    assert not [text for text in texts if "[a](" in text]


def test_ntfy_gets_text_and_a_title_of_any_script():
    form = message_forms.form_of("ntfy", message(rows=[ROW._replace(title="Sicherung läuft\r\nX: 1")]))
    title = form.headers["Title"]
    assert title.isascii()
    assert "\n" not in title
    assert "Sicherung läuft" in str(make_header(decode_header(title)))
    assert form.content_type.startswith("text/plain")
    assert "status_500" in form.body.decode()


def test_a_mail_shows_names_as_text_in_one_line_of_its_subject():
    mail = document("email", message(rows=[ROW._replace(title="<b>a</b>\r\nBcc: x@example.com")]))
    assert mail["subject"] == "<b>a</b> Bcc: x@example.com fails"
    assert "<strong>&lt;b&gt;a&lt;/b&gt; Bcc: x@example.com fails</strong>" in mail["html"]
    assert mail["text"].startswith("<b>a</b> Bcc: x@example.com fails\n\nstatus_500")


def test_no_text_of_a_client_is_markup_in_a_mail():
    row = ROW._replace(title=MARKUP, detail=MARKUP, alert_name=MARKUP)
    for rows in ([row], [row, row]):
        mail = document("email", message(rows=rows)._replace(rule_name=MARKUP))
        assert MARKUP in mail["text"]
        assert MARKUP not in mail["html"]
        assert "&lt;img src=x&gt;" in mail["html"]


def test_pagerduty_gets_a_trigger_and_a_resolve_of_one_key():
    trigger = document("pagerduty", message())
    assert (trigger["event_action"], trigger["dedup_key"]) == ("trigger", "019b")
    assert {"summary", "source", "severity"} <= trigger["payload"].keys()
    assert trigger["payload"]["timestamp"] == "2026-01-01T09:00:00.000000Z"
    assert document("pagerduty", message(CLOSED)) == {"event_action": "resolve", "dedup_key": "019b"}


def test_a_test_of_pagerduty_is_resolved_by_its_end():
    trigger = document("pagerduty", message(TEST, rows=[]))
    assert (trigger["event_action"], trigger["payload"]["severity"]) == ("trigger", "info")
    ended = document("pagerduty", message(TEST_ENDED, rows=[]))
    assert ended == {"event_action": "resolve", "dedup_key": trigger["dedup_key"]}


@pytest.mark.parametrize(
    ("us", "words"),
    [
        (0, "0 s"),
        (MINUTE - 1, "59 s"),
        (MINUTE, "1 min"),
        (3 * HOUR + 5 * MINUTE, "3 h 5 min"),
        (DAY + HOUR, "1 d 1 h"),
    ],
)
def test_a_span_is_said_in_words(us, words):
    assert messages.duration(us) == words
