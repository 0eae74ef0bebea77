"""Writes a message as an e-mail: its subject, its text, and HTML that reads well in light and dark. Pure."""

from html import escape

from models.alerts import messages
from models.alerts.messages import CLOSED, TEST, Message
from models.webhooks.channel_forms import cut

MAX_SUBJECT_CHARS = 150
COLORS = {CLOSED: "#1a7f37", TEST: "#57606a"}
OTHERWISE = "#cf222e"
HTML = """<!DOCTYPE html>
<html lang="en">
<head><meta charset="utf-8"><meta name="color-scheme" content="light dark"><title>{subject}</title></head>
<body style="margin:0;padding:24px 12px;font:16px/1.5 system-ui,-apple-system,'Segoe UI',Roboto,sans-serif">
<div style="max-width:560px;margin:0 auto">
<p style="margin:0 0 16px;padding:4px 0 4px 12px;border-left:6px solid {color};font-size:20px">
<strong>{headline}</strong></p>
{rows}
<p style="margin:24px 0 0;font-size:13px;opacity:.7">Sent by the alert rule {rule} of Booper.</p>
</div>
</body>
</html>
"""
ROW = '<p style="margin:0 0 6px;overflow-wrap:anywhere">{line}</p>'


def mail(message: Message) -> dict[str, str]:
    """`subject`, `text` and `html`."""
    headline, lines = messages.headline(message), messages.lines(message)
    subject = cut(headline, MAX_SUBJECT_CHARS)
    return {
        "subject": subject,
        "text": "\n".join([headline, "", *lines, "", f"Sent by the alert rule {message.rule_name} of Booper."]),
        "html": HTML.format(
            subject=escape(subject),
            headline=escape(headline),
            color=COLORS.get(message.type, OTHERWISE),
            rows="\n".join(ROW.format(line=escape(line)) for line in lines),
            rule=escape(message.rule_name),
        ),
    }
