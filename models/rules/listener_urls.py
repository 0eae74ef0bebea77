"""Parses the address of a listener: `listener://NAME/PATH?QUERY`, which a job names in the place of a URL.

A listener is a developer's machine that fetches its requests from the API. No connection is opened to it, so no address
policy concerns it, and nothing but its owner's key reaches it.
"""

import re

from models.rules.url_rules import UrlRefused, split_url

SCHEME = "listener"
PREFIX = f"{SCHEME}://"
NAMES = "1 to 32 lower-case letters, digits or hyphens, a letter or digit first and last"
NAME_PATTERN = "[a-z0-9](?:[a-z0-9-]{0,30}[a-z0-9])?"
DOMAIN = f".{SCHEME}"  # no host of the Internet ends in it

_NAME = re.compile(NAME_PATTERN)


def is_listener_url(url: object) -> bool:
    """Whether the text is meant as the address of a listener; `split_listener_url` says whether it is one."""
    return isinstance(url, str) and url.startswith(PREFIX)


def is_name(text: object) -> bool:
    return isinstance(text, str) and bool(_NAME.fullmatch(text))


def split_listener_url(url: str) -> tuple[str, str]:
    """The name of the listener, and the path with its query as a request line holds them. UrlRefused when the text is
    no such address."""
    name = re.split("[/?#]", url.removeprefix(PREFIX), maxsplit=1)[0]
    if not is_name(name):
        raise UrlRefused(f"must name a listener by {NAMES}, got {name[:60]!r}")
    # What follows the name obeys the rules of every other URL.
    return name, split_url(f"https://{name}{DOMAIN}{url[len(PREFIX) + len(name) :]}").request_target


def host_of(url: str) -> str:
    """The host of a job's target, which its limits go by; that of a listener is a name of its own."""
    if is_listener_url(url):
        return f"{split_listener_url(url)[0]}{DOMAIN}"
    return split_url(url).host
