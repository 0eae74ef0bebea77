"""Declares the ways by which people are notified, and which part of an address may be shown. Pure.

The URLs of all ways but `webhook` and `email` are secrets: whoever has one can write there. So is the key of PagerDuty.
"""

from typing import NamedTuple

from models.rules.redaction import REDACTED
from models.rules.url_rules import split_url

WEBHOOK, SLACK, DISCORD, TEAMS = "webhook", "slack", "discord", "teams"
NTFY, PAGERDUTY, EMAIL = "ntfy", "pagerduty", "email"
WAYS = (WEBHOOK, SLACK, DISCORD, TEAMS, NTFY, PAGERDUTY, EMAIL)
FOR_PEOPLE = (SLACK, DISCORD, TEAMS, NTFY, EMAIL)  # many incidents at once are one message
MAILTO = "mailto:"
PAGERDUTY_URL = "https://events.pagerduty.com/v2/enqueue"


class Target(NamedTuple):
    """Where messages of a rule go. `secret`: the key that PagerDuty wants in the message; None: no key."""

    way: str
    url: str
    secret: str | None = None

    def __repr__(self) -> str:
        return f"Target({self.way!r})"  # the rest may be secret

    @property
    def shown(self) -> str:
        """The address without its secret."""
        if self.way in (WEBHOOK, EMAIL):
            return self.url.removeprefix(MAILTO)
        return REDACTED if self.way == PAGERDUTY else f"https://{split_url(self.url).host}/{REDACTED}"

    @property
    def host(self) -> str:
        """The host whose messages share slots."""
        return self.url.rpartition("@")[2] if self.way == EMAIL else split_url(self.url).host


def target_of(way: str, address: str) -> Target:
    """The target of an address that has been checked."""
    if way == PAGERDUTY:
        return Target(way, PAGERDUTY_URL, address)
    return Target(way, f"{MAILTO}{address}" if way == EMAIL else address)
