"""Serves the pages of calendars: lists them, shows one with the schedules that name it, makes, changes and deletes."""

import json
from functools import partial
from typing import Any

from flask import Response, make_response, render_template, request

from api.dashboard.blueprint import pages, redirect_to, visitor
from api.dashboard.errors import page_not_found
from api.dashboard.forms.calendar_lines import LINE, lines_of, read_lines
from api.dashboard.query import problems_of_new_name
from api.requests.ids import NAME
from api.requests.options.calendars import A_CALENDAR
from api.responses.responses import ApiError
from models.rules import clock
from models.schedules import schedule_store
from models.schedules.calendars import calendar_changes, calendar_store
from models.schedules.calendars.calendar_changes import InUse, TooMany
from models.schedules.calendars.calendar_store import MAX_CALENDARS, CalendarRow

USERS_SHOWN = 50


@pages.get("/calendars")
def list_calendars() -> Response:
    return _list("", "", [], 200)


@pages.post("/calendars")
def add_calendar() -> Response:
    """Make a calendar; one that has the name already stays as it is."""
    name, typed = request.form.get("name", "").strip(), request.form.get("days", "")
    account_id = visitor().account_id
    days, problems = read_lines(typed)
    problems = [
        *problems_of_new_name(name, "calendar", A_CALENDAR, partial(calendar_store.find, account_id)),
        *problems,
    ]
    if problems:
        return _list(name, typed, problems, 422)
    try:
        calendar_changes.put(account_id, name, days, clock.now())
    except TooMany:
        return _list(name, typed, [f"There may be at most {MAX_CALENDARS} calendars; delete one of them first."], 409)
    return redirect_to("show_calendar", "saved", name=name)


@pages.get("/calendars/<name>")
def show_calendar(name: str) -> Response:
    calendar = find_calendar(name)
    return _calendar_page(calendar, lines_of(json.loads(calendar.days)), [], 200)


@pages.post("/calendars/<name>")
def change_calendar(name: str) -> Response:
    """Give the calendar exactly these days; the schedules that name it are planned again."""
    calendar, typed = find_calendar(name), request.form.get("days", "")
    days, problems = read_lines(typed)
    if problems:
        return _calendar_page(calendar, typed, problems, 422)
    calendar_changes.put(visitor().account_id, calendar.name, days, clock.now())
    return redirect_to("show_calendar", "saved", name=calendar.name)


@pages.post("/calendars/<name>/delete")
def delete_calendar(name: str) -> Response:
    try:
        calendar_changes.delete(visitor().account_id, find_calendar(name).name)
    except InUse as error:
        names = "1 schedule names" if error.schedules == 1 else f"{error.schedules} schedules name"
        raise ApiError(409, f"{names} the calendar; change them first.") from None
    return redirect_to("list_calendars", "deleted")


def find_calendar(name: str) -> CalendarRow:
    """The visitor's calendar of this name, or 404."""
    calendar = calendar_store.find(visitor().account_id, name) if NAME.fullmatch(name) else None
    if calendar is None:
        raise page_not_found()
    return calendar


def _list(name: str, typed: str, problems: list[str], status: int) -> Response:
    account_id = visitor().account_id
    users = calendar_store.users(account_id)
    rows = [
        {"calendar": row, "size": len(json.loads(row.days)), "schedules": len(users.get(row.name, ()))}
        for row in calendar_store.listed(account_id)
    ]
    values: dict[str, Any] = {"rows": rows, "name": name, "typed": typed, "problems": problems, "example": LINE}
    return make_response(render_template("calendars.html", **values), status)


def _calendar_page(calendar: CalendarRow, typed: str, problems: list[str], status: int) -> Response:
    account_id = visitor().account_id
    ids = calendar_store.users(account_id).get(calendar.name, [])
    users = [schedule_store.find(account_id, each) for each in ids[:USERS_SHOWN]]
    values: dict[str, Any] = {
        "calendar": calendar,
        "size": len(json.loads(calendar.days)),
        "schedules": sorted(filter(None, users), key=lambda row: (row.name or "", row.id)),
        "users": len(ids),
        "typed": typed,
        "problems": problems,
    }
    return make_response(render_template("calendar.html", **values), status)
