"""Draws a badge: a label and a message side by side, as SVG that needs nothing else. Pure."""

from html import escape

from models.webhooks.channel_forms import cut

CHAR_PX, PADDING_PX = 7, 10
MAX_LABEL_CHARS = 60
SVG = (
    '<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="20" role="img" aria-label="{label}: {message}">'
    "<title>{label}: {message}</title>"
    '<rect width="{width}" height="20" rx="3" fill="#444d56"/>'
    '<path d="M{left} 0h{room}a3 3 0 0 1 3 3v14a3 3 0 0 1-3 3h-{room}z" fill="{color}"/>'
    '<g fill="#fff" text-anchor="middle" font-family="Verdana,DejaVu Sans,sans-serif" font-size="11">'
    '<text x="{label_x}" y="14">{label}</text><text x="{message_x}" y="14">{message}</text></g></svg>'
)


def badge(label: str, message: str, color: str) -> str:
    """The SVG, with whatever the texts contain as text."""
    label = cut(" ".join(label.split()), MAX_LABEL_CHARS)
    left, right = (len(text) * CHAR_PX + PADDING_PX for text in (label, message))
    return SVG.format(
        width=left + right,
        left=left,
        room=right - 3,
        color=color,
        label=escape(label),
        message=escape(message),
        label_x=left / 2,
        message_x=left + right / 2,
    )
