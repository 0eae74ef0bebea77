"""What comes of another program's schedules: ours, and a line of text for all that is not carried over."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from booper_client.cli.files.kinds.kind import Named

MAX_KEY_CHARS = 60
NO_KEYS = ("check", "preview")  # addresses of the API


class NotCarried(Exception):
    """Booper has nothing that does the same; the message says what."""


@dataclass
class Imported:
    """The schedules, and what is left out."""

    schedules: Named = field(default_factory=dict)
    left_out: list[str] = field(default_factory=list)


def key_of(text: str, taken: Named) -> str:
    """A key from a text, that no other schedule has."""
    slug = re.sub(r"[^A-Za-z0-9]+", "-", text).strip("-").lower()[:MAX_KEY_CHARS] or "schedule"
    return next(key for key in _candidates(slug) if key not in taken)


def _candidates(slug: str) -> Iterator[str]:
    if slug not in NO_KEYS:
        yield slug
    number = 2
    while True:
        yield f"{slug}-{number}"
        number += 1
