"""Writes a message as the JSON that Discord and Slack take, within their limits. Pure.

A text that is too long is cut and ends in an ellipsis, since the message was accepted already. A message pings nobody
and contains no link that its author did not write.
"""

import re
from typing import Any

DISCORD, SLACK = "discord", "slack"
FORWARDED = (DISCORD, SLACK)
MAX_DISCORD_CHARS = 2000
MAX_USERNAME_CHARS = 80
MAX_SLACK_CHARS = 40_000

_DISCORD_MARKS = re.compile(r"([\\*_~`|>\[\]])")
_LINE_MARKS = re.compile(r"^(\s*(?:\d+(?=[.)]))?)([#+.)-])", re.MULTILINE)  # of headings and lists
_NO_USERNAME = re.compile(r"discord|clyde|```|everyone|here", re.IGNORECASE)  # Discord refuses the whole message
_SLACK_MARKS = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}


def form_of(channel: str, author: str, content: str) -> dict[str, Any]:
    """The JSON for one of FORWARDED."""
    return (discord if channel == DISCORD else slack)(author, content)


def discord(author: str, content: str) -> dict[str, Any]:
    text = f"**{marked(author)}**: {content}"
    form: dict[str, Any] = {"content": cut(text, MAX_DISCORD_CHARS), "allowed_mentions": {"parse": []}}
    if author.strip() and not _NO_USERNAME.search(author):
        form["username"] = cut(author.strip(), MAX_USERNAME_CHARS)
    return form


def slack(author: str, content: str) -> dict[str, Any]:
    return {"text": escaped(f"*{author}*: {content}")}


def cut(text: str, limit: int) -> str:
    return text if len(text) <= limit else f"{text[: limit - 1]}…"


def marked(text: str) -> str:
    """With the marks of Markdown as plain characters."""
    return _LINE_MARKS.sub(r"\1\\\2", _DISCORD_MARKS.sub(r"\\\1", text))


def escaped(text: str) -> str:
    """With `&`, `<` and `>` as entities; cut between two entities, never inside one."""
    parts = [_SLACK_MARKS.get(character, character) for character in cut(text, MAX_SLACK_CHARS)]
    if sum(map(len, parts)) <= MAX_SLACK_CHARS:
        return "".join(parts)
    room = MAX_SLACK_CHARS - 1
    kept = []
    for part in parts:
        room -= len(part)
        if room < 0:
            break
        kept.append(part)
    return "".join(kept) + "…"
