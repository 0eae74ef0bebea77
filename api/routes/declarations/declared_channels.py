"""Channels in a file, by their names. The URL is a secret: responses show its host, and a file may repeat that form."""

from typing import Any

from marshmallow import ValidationError

from api.auth import caller
from api.requests.fields import shown
from api.routes.channels import ChannelTarget
from api.routes.declarations.declared import Declared, Kind
from models.rules.redaction import REDACTED
from models.rules.url_rules import split_url
from models.webhooks import channels
from models.webhooks.channel_forms import FORWARDED

channel_fields = ChannelTarget()


def hidden(url: str) -> str:
    """A URL without what is secret of it."""
    return f"https://{split_url(url).host}/{REDACTED}"


def _declared(url: str) -> Declared:
    return Declared(url, {"url": hidden(url)})


def present(name: str) -> Declared | None:
    url = channels.urls(caller().account_id).get(name)
    return _declared(url) if url else None


def read(name: str, sent: dict[str, Any], present: Declared | None) -> Declared:
    """An address as it is shown stays as it is."""
    if name not in FORWARDED:
        raise ValidationError({"name": [f"must be one of {', '.join(FORWARDED)}, got {shown(name)}"]})
    url = sent.get("url")
    if isinstance(url, str) and url.endswith(REDACTED):
        if present is None or url != present.fields["url"]:
            expected = "must be a whole address, or as it is shown to leave it as it is"
            raise ValidationError({"url": [f"{expected}, got {REDACTED}"]})
        sent = sent | {"url": present.meaning}
    return _declared(channel_fields.load(sent)["url"])


KIND = Kind(present, read)
