"""Converts the time fields of the job form: to what POST /api/jobs takes, and back from the frequency of a schedule.
Pure.
"""

import json
from typing import Any

TIME_FIELDS = ("when", "amount", "unit", "at", "offset", "every", "every_unit", "cron", "timezone")
WAYS = ("now", "in", "at", "every", "cron")  # to say when
UNITS = ("seconds", "minutes", "hours", "days", "weeks")


def request_times(form: dict[str, str]) -> dict[str, Any]:
    """The request's fields that say when, by the way that the form chose."""
    way = form.get("when", "now")
    if way == "in":
        return {"schedule_in": [number(form.get("amount", "")), form.get("unit", "seconds")]}
    if way == "every":
        return {"repeat_every": [number(form.get("every", "")), form.get("every_unit", "seconds")]}
    if way == "cron":
        timezone = form.get("timezone", "").strip()
        return {"cron": form.get("cron", "").strip(), **({"timezone": timezone} if timezone else {})}
    if way == "at":
        return {"scheduled_at": form.get("at", "") + _zone(form.get("offset", ""))}
    return {}


def form_times(frequency_text: str) -> dict[str, str]:
    """The form's fields for the frequency of a schedule."""
    frequency: dict[str, Any] = json.loads(frequency_text)
    if "cron" in frequency:
        return {"when": "cron", "cron": frequency["cron"], "timezone": frequency.get("timezone", "")}
    if "repeat_every" not in frequency:  # a newer version may have stored it
        return {}
    every, unit = form_units(frequency["repeat_every"])
    return {"when": "every", "every": every, "every_unit": unit}


def form_units(duration: Any) -> tuple[str, str]:
    """The number and the unit, as the form has them, of a number of seconds or of a pair."""
    amount, unit = duration if isinstance(duration, list) else (duration, "seconds")
    return str(amount), unit if unit.endswith("s") else f"{unit}s"


def number(text: str) -> Any:
    """The number that a text spells. Any other text stays as it is, for the field to refuse."""
    try:
        return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else float(text)
    except ValueError:
        return text


def _zone(offset: str) -> str:
    """The browser's offset from UTC (`+02:00`), which its local time field leaves out; `Z` for any other text."""
    return offset if len(offset) == 6 and offset[0] in "+-" and offset[1:].replace(":", "").isdigit() else "Z"
