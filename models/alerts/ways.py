"""Declares the ways by which people are notified, and which part of an address may be shown. Pure.

The URLs of all ways but `webhook` and `email` are secrets: whoever has one can write there. So is the key of PagerDuty.
"""

import re
from typing import NamedTuple

from models.rules.redaction import REDACTED
from models.rules.url_rules import UrlRefused, split_url

WEBHOOK, SLACK, DISCORD, TEAMS = "webhook", "slack", "discord", "teams"
NTFY, PAGERDUTY, EMAIL = "ntfy", "pagerduty", "email"
WAYS = (WEBHOOK, SLACK, DISCORD, TEAMS, NTFY, PAGERDUTY, EMAIL)
FOR_PEOPLE = (SLACK, DISCORD, TEAMS, NTFY, EMAIL)  # many incidents at once are one message
KEPT_OPEN = (PAGERDUTY,)  # what begins there stays open until its end comes, also a test
MAILTO = "mailto:"
PAGERDUTY_URL = "https://events.pagerduty.com/v2/enqueue"
MAIL_ADDRESS = re.compile(r"[A-Za-z0-9._%+'-]{1,64}@[A-Za-z0-9-]{1,63}(\.[A-Za-z0-9-]{1,63}){0,8}")
ROUTING_KEY = re.compile(r"[A-Za-z0-9]{32}")
_PARTING = re.compile(rf"[,;\s]+(?=(?:{'|'.join(WAYS)})=)")  # a URL may hold commas and semicolons


class WrongTarget(ValueError):
    """A text names no target. It says which one and why, without an address: most are secrets."""


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


def read_targets(text: str) -> list[Target]:
    """The targets of a text such as `slack=https://… email=ops@example.com`, parted by spaces, commas or semicolons.
    Raises WrongTarget."""
    parts = [each for each in _PARTING.split(text.strip(",; \n\t")) if each]
    return list(dict.fromkeys(_read_target(each, place) for place, each in enumerate(parts, start=1)))


def _read_target(text: str, place: int) -> Target:
    way, _, address = text.partition("=")
    if way not in WAYS:
        raise WrongTarget(f"target {place} begins with none of the ways")
    forms = {EMAIL: (MAIL_ADDRESS, "e-mail address"), PAGERDUTY: (ROUTING_KEY, "routing key of 32 letters and digits")}
    if way in forms and not forms[way][0].fullmatch(address):
        raise WrongTarget(f"target {place} has no {forms[way][1]} after {way}=")
    if way not in forms:
        _check_url(address, way, place)
    return target_of(way, address)


def _check_url(address: str, way: str, place: int) -> None:
    try:
        split_url(address)
    except UrlRefused:  # its text shows parts of the address
        raise WrongTarget(f"target {place} has no URL that can be sent to after {way}=") from None
