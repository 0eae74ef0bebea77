"""Owns the reading of labels: short words by which a client finds its jobs again. Pure."""

from typing import Any

MAX_LABELS = 10
MAX_CHARS = 50
LABEL = f"a string of 1 to {MAX_CHARS} printable characters"
LABELS = f"a list of at most {MAX_LABELS} different strings of 1 to {MAX_CHARS} printable characters"


def read_label(value: Any) -> str:
    if not isinstance(value, str) or not 1 <= len(value) <= MAX_CHARS or not value.isprintable():
        raise ValueError
    return value


def read_labels(value: Any) -> list[str]:
    if not isinstance(value, list) or len(value) > MAX_LABELS or len(set(map(read_label, value))) < len(value):
        raise ValueError
    return value
