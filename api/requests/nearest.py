"""Owns the guess which known name a misspelt one meant. Pure."""

from collections.abc import Iterable
from difflib import get_close_matches

LONGEST = 60  # comparing is quadratic; a longer name is no misspelling of ours


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The known name most like `name`, or None when none is."""
    if len(name) > LONGEST:
        return None
    close = get_close_matches(name.lower(), list(known), n=1, cutoff=0.6)
    return close[0] if close else None
