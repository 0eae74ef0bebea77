"""Says the times of Celery as a cron expression."""

import re
from collections.abc import Mapping
from typing import Any

from booper_client.cli.files.imported import NotCarried

PARTS = ("minute", "hour", "day_of_month", "month_of_year", "day_of_week")
RANGE = re.compile(r"(\d+)-(\d+)")
NAME = re.compile(r"[A-Za-z]{4,}")


def cron_of(parts: Mapping[str, Any]) -> str:
    """The cron expression of the parts of a crontab; those that are left out mean every one."""
    if unknown := sorted(parts.keys() - set(PARTS)):
        raise NotCarried(f"{', '.join(unknown)} of a crontab has no counterpart")
    times = {part: _text(parts.get(part, "*")) for part in PARTS}
    if times["day_of_month"] != "*" and times["day_of_week"] != "*":
        raise NotCarried("day_of_month and day_of_week must both match in Celery, and either one in cron")
    return " ".join(times[part] for part in PARTS)


def _text(value: Any) -> str:
    """A number, a text, or several of them; names of days and months by their first three letters."""
    values = value if isinstance(value, (list, tuple, set)) else [value]
    text = ",".join(str(each).replace(" ", "") for each in (sorted(values, key=str) if len(values) > 1 else values))
    if any(int(first) > int(last) for first, last in RANGE.findall(text)):
        raise NotCarried(f"{text} goes past the end of its range")
    return NAME.sub(lambda match: match[0][:3], text)
