"""Declares what a check finds: a subject, how bad it is, what was seen, and what to do about it."""

from collections.abc import Callable, Iterable
from typing import NamedTuple

OK, NOTE, WARNING, ERROR = "ok", "note", "warning", "error"
LEVELS = OK, NOTE, WARNING, ERROR  # from good to bad


class Finding(NamedTuple):
    """`level`: one of LEVELS. `advice`: what to do; empty where nothing has to be done."""

    subject: str
    level: str
    text: str
    advice: str = ""


class Check(NamedTuple):
    """Looks at one subject. `run` raises whatever goes wrong; `trouble` says what to do then."""

    subject: str
    run: Callable[[], Iterable[Finding]]
    trouble: str


def worst(findings: Iterable[Finding]) -> str:
    return max((finding.level for finding in findings), key=LEVELS.index, default=OK)


def about(subject: str) -> Callable[..., Finding]:
    """Makes findings of this subject."""

    def make(level: str, text: str, advice: str = "") -> Finding:
        return Finding(subject, level, text, advice)

    return make
