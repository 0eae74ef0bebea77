"""Owns how a message looks to the services that channels forward to: the JSON each takes, within its limits. Pure.

What is too long is cut and ends in an ellipsis, since the message was taken already. Nothing in a message may ping or
link to what its author did not write.
"""

import re
from typing import Any

DISCORD, SLACK = "discord", "slack"
FORWARDED = (DISCORD, SLACK)
MOST_DISCORD_CHARS = 2000
MOST_USERNAME_CHARS = 80
MOST_SLACK_CHARS = 40_000

_DISCORD_MARKS = re.compile(r"([\\*_~`|>])")
_NO_USERNAME = re.compile(r"discord|clyde|```|everyone|here", re.IGNORECASE)  # Discord refuses the whole message
_SLACK_MARKS = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}


def form_of(channel: str, author: str, content: str) -> dict[str, Any]:
    """The JSON for one of FORWARDED."""
    return (discord if channel == DISCORD else slack)(author, content)


def discord(author: str, content: str) -> dict[str, Any]:
    marked = _DISCORD_MARKS.sub(r"\\\1", author)
    text = f"**{marked}**: {content}"
    form: dict[str, Any] = {"content": cut(text, MOST_DISCORD_CHARS), "allowed_mentions": {"parse": []}}
    if author.strip() and not _NO_USERNAME.search(author):
        form["username"] = cut(author.strip(), MOST_USERNAME_CHARS)
    return form


def slack(author: str, content: str) -> dict[str, Any]:
    return {"text": _escaped(f"*{author}*: {content}")}


def cut(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: most - 1]}…"


def _escaped(text: str) -> str:
    """With `&`, `<` and `>` as entities, cut between two of them at most."""
    parts = [_SLACK_MARKS.get(character, character) for character in cut(text, MOST_SLACK_CHARS)]
    if sum(map(len, parts)) <= MOST_SLACK_CHARS:
        return "".join(parts)
    left = MOST_SLACK_CHARS - 1
    kept = []
    for part in parts:
        left -= len(part)
        if left < 0:
            break
        kept.append(part)
    return "".join(kept) + "…"
