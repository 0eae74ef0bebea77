"""Sets and removes an account's channels, forwards messages to them, and keeps the demo channel's last messages.

The URL of a channel is a secret: whoever has it can write there. So no job contains it: `args` shows its host alone,
and the sender looks the URL up when it sends.
"""

import json
from typing import Any, NamedTuple

from models.database.transactions import transaction
from models.jobs import job_store
from models.jobs.job_json import compact
from models.jobs.job_kinds import CHANNEL
from models.jobs.job_store import NewJob
from models.rules.redaction import REDACTED
from models.rules.url_rules import split_url
from models.webhooks.channel_forms import FORWARDED, cut, form_of
from models.webhooks.webhook_tables import Channel, ChannelMessage

DEMO = "demo"
KEPT_MESSAGES = 100
MAX_KEPT_CHARS = 2000


class Message(NamedTuple):
    """A message to the demo channel."""

    author: str
    content: str
    inserted_at: int


def configure(account_id: int, name: str, url: str, now: int) -> None:
    """Forward the account's messages to this channel there from now on."""
    with transaction():
        row = Channel.insert(account_id=account_id, name=name, url=url, created_at=now)
        key, values = [Channel.account_id, Channel.name], [Channel.url, Channel.created_at]
        row.on_conflict(conflict_target=key, preserve=values).execute()


def urls(account_id: int) -> dict[str, str]:
    """The URL of each channel that is set. It is a secret."""
    return {each.name: each.url for each in Channel.select().where(Channel.account_id == account_id)}


def hosts(account_id: int) -> dict[str, str | None]:
    """Each channel that can be set, with the host of its URL; None where none is set."""
    return dict.fromkeys(FORWARDED) | {name: split_url(url).host for name, url in urls(account_id).items()}


def remove(account_id: int, name: str) -> bool:
    with transaction():
        return bool(Channel.delete().where(Channel.account_id == account_id, Channel.name == name).execute())


def forward(account_id: int, name: str, author: str, content: str, hops: int, now: int) -> bool:
    """Make the job that sends the message to the channel's service; False when the account has set no such channel."""
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


def keep(account_id: int | None, message: Message) -> None:
    """Keep a message to an account's demo channel (None: to everybody's), and delete those before the last ones."""
    values = message._replace(content=cut(message.content, MAX_KEPT_CHARS))._asdict()
    with transaction():
        ChannelMessage.insert(account_id=account_id, **values).execute()
        surplus = _newest_first(account_id, ChannelMessage.id).limit(KEPT_MESSAGES).offset(KEPT_MESSAGES)
        ChannelMessage.delete().where(ChannelMessage.id.in_(surplus)).execute()


def kept(account_id: int | None) -> list[Message]:
    """The last messages of an account's demo channel (None: of everybody's), newest first."""
    rows = _newest_first(account_id).limit(KEPT_MESSAGES)
    return [Message(row.author, row.content, row.inserted_at) for row in rows]


def _newest_first(account_id: int | None, *columns: Any) -> Any:
    owner = ChannelMessage.account_id
    of_owner = owner.is_null() if account_id is None else owner == account_id
    return ChannelMessage.select(*columns).where(of_owner).order_by(ChannelMessage.id.desc())
