"""Owns what happens to channels: where an account's messages go to, the forwarding of one, and the demo channel's last
messages.

The URL that a service gave is a secret: whoever has it can write there. So it stands in no job: `args` shows its host
alone, and the sender looks it up when it sends.
"""

import json
from typing import NamedTuple

from models.database.sql import execute, fetch
from models.database.transactions import transaction
from models.jobs import job_store
from models.jobs.job_json import compact
from models.jobs.job_store import NewJob
from models.rules.redaction import REDACTED
from models.rules.url_rules import split_url
from models.webhooks.channel_forms import FORWARDED, cut, form_of

CHANNEL = "channel"  # the kind of a job that forwards a message
DEMO = "demo"
KEPT_MESSAGES = 100
MOST_KEPT_CHARS = 2000


class Message(NamedTuple):
    """A message to the demo channel."""

    author: str
    content: str
    inserted_at: int


def configure(account_id: int, name: str, url: str, now: int) -> None:
    """Forward the account's messages to this channel there from now on."""
    with transaction():
        execute(
            "INSERT INTO channel (account_id, name, url, created_at) VALUES (%s, %s, %s, %s) "
            "ON CONFLICT (account_id, name) DO UPDATE SET url = excluded.url, created_at = excluded.created_at",
            (account_id, name, url, now),
        )


def hosts(account_id: int) -> dict[str, str | None]:
    """Each channel that can be set, with the host of its URL; None where none is set."""
    rows = fetch("SELECT name, url FROM channel WHERE account_id = %s", (account_id,))
    return dict.fromkeys(FORWARDED) | {name: split_url(url).host for name, url in rows}


def remove(account_id: int, name: str) -> bool:
    with transaction():
        return bool(execute("DELETE FROM channel WHERE account_id = %s AND name = %s", (account_id, name)))


def forward(account_id: int, name: str, author: str, content: str, hops: int, now: int) -> bool:
    """Order the message's way to the channel's service; False when the account has set none."""
    host = hosts(account_id).get(name)
    if host is None:
        return False
    form = compact(form_of(name, author, content))
    args = {"method": "post", "url": f"https://{host}/{REDACTED}", "channel": name}
    job = NewJob(
        account_id, json.dumps(args), form.encode(), "application/json", now, host=host, hops=hops + 1, kind=CHANNEL
    )
    job_store.create_many([job], now)
    return True


def keep(message: Message) -> None:
    """Keep a message to the demo channel, and no more than the last ones."""
    content = cut(message.content, MOST_KEPT_CHARS)
    with transaction():
        execute(
            "INSERT INTO channel_message (author, content, inserted_at) VALUES (%s, %s, %s)",
            (message.author, content, message.inserted_at),
        )
        execute(
            "DELETE FROM channel_message WHERE id IN (SELECT id FROM channel_message ORDER BY id DESC "
            f"LIMIT {KEPT_MESSAGES} OFFSET {KEPT_MESSAGES})"
        )


def kept() -> list[Message]:
    """The demo channel's last messages, newest first."""
    sql = f"SELECT author, content, inserted_at FROM channel_message ORDER BY id DESC LIMIT {KEPT_MESSAGES}"
    return [Message(*row) for row in fetch(sql)]
