"""Declares by which ways people are notified, and what of an address may be shown. Pure.

The URLs of all ways but `webhook` are secrets: whoever has one can write there. So is the key of PagerDuty.
"""

from typing import NamedTuple

from models.rules.redaction import REDACTED
from models.rules.url_rules import split_url

WEBHOOK, SLACK, DISCORD, TEAMS = "webhook", "slack", "discord", "teams"
NTFY, PAGERDUTY, EMAIL = "ntfy", "pagerduty", "email"
WAYS = (WEBHOOK, SLACK, DISCORD, TEAMS, NTFY, PAGERDUTY)
FOR_PEOPLE = (SLACK, DISCORD, TEAMS, NTFY)  # many incidents at once are one message
PAGERDUTY_URL = "https://events.pagerduty.com/v2/enqueue"


class Target(NamedTuple):
    """Where messages of a rule go. `secret`: what the message has to contain besides."""

    way: str
    url: str
    secret: str | None = None

    def __repr__(self) -> str:
        return f"Target({self.way!r})"  # the rest may be secret

    @property
    def shown(self) -> str:
        """The address without its secret."""
        if self.way == WEBHOOK:
            return self.url
        return REDACTED if self.way == PAGERDUTY else f"https://{split_url(self.url).host}/{REDACTED}"


def target_of(way: str, address: str) -> Target:
    """The target of an address that has been checked."""
    return Target(way, PAGERDUTY_URL, address) if way == PAGERDUTY else Target(way, address)
