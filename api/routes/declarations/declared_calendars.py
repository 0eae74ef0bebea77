"""Calendars in a file, by their names. The order of days is no difference, and neither is a range in two parts."""

import json
from typing import Any

from api.auth import caller
from api.requests.ids import new_name_in_path
from api.requests.options.calendars import A_CALENDAR, read_days
from api.routes.declarations.declared import Declared, Kind
from api.routes.recurring.calendars import CalendarFields
from models.schedules.calendars import calendar_store
from models.schedules.calendars.calendar_store import MAX_DAYS

calendar_fields = CalendarFields()


def _declared(days: list[Any]) -> Declared:
    return Declared(read_days(days, MAX_DAYS), {"days": days})


def present(name: str) -> Declared | None:
    row = calendar_store.find(caller().account_id, name)
    return _declared(json.loads(row.days)) if row else None


def read(name: str, sent: dict[str, Any], _: Declared | None) -> Declared:
    new_name_in_path(name, A_CALENDAR)
    return _declared(calendar_fields.load(sent)["days"])


KIND = Kind(present, read)
