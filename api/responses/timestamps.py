"""Writes instants in the three forms of the API. Pure: microseconds since the Unix epoch in, text out."""

from models.rules.times import format_seconds, instant_or_none


def seconds(instant: int) -> str:
    """Whole seconds, no zone: `2023-09-01T18:25:49`."""
    return format_seconds(instant)


def seconds_utc(instant: int | None) -> str | None:
    """Whole seconds and Z: `2023-08-27T23:27:23Z`; None stays None."""
    return None if instant is None else f"{seconds(instant)}Z"


def micros_utc(instant: int | None) -> str | None:
    """Six digits and Z: `2023-09-01T18:26:20.353046Z`; None stays None."""
    return instant_or_none(instant)
