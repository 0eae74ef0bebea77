"""`booper calendars`: days that schedules exclude by a name."""

from typing import Any

import click

from booper_client.cli.session import Session, confirm
from booper_client.cli.session import command as shared
from booper_client.models.schedules import Calendar

CALENDAR = click.argument("calendar")


@click.group("calendars", short_help="Name days on which schedules do not run.")
def command() -> None:
    """Name days on which schedules do not run. CALENDAR is a name."""


def day(text: str) -> Any:
    """`2026-12-24`, or `2026-12-24..2026-12-31` as a range."""
    first, dots, last = text.partition("..")
    return {"from": first, "to": last} if dots else first


def _written(each: Any) -> str:
    return f"{each['from']}..{each['to']}" if isinstance(each, dict) else str(each)


def _show(session: Session, calendar: Calendar) -> None:
    days = " ".join(map(_written, calendar.days or []))
    pairs = [("calendar", calendar.name), ("schedules", calendar.schedules), ("days", days)]
    session.output.item(calendar, pairs)


@command.command("list")
@shared
def list_calendars(session: Session) -> None:
    """List all calendars."""
    calendars = session.client.calendars.list()
    columns = ("CALENDAR", "DAYS", "SCHEDULES", "CHANGED")
    session.output.rows(columns, calendars, lambda each: (each.name, each.size, each.schedules, each.updated_at))


@command.command("get")
@CALENDAR
@shared
def get_calendar(session: Session, calendar: str) -> None:
    """Show a calendar with its days."""
    _show(session, session.client.calendars.get(calendar))


@command.command("set")
@CALENDAR
@click.argument("days", nargs=-1, required=True, metavar="DAY...")
@shared
def set_calendar(session: Session, calendar: str, days: tuple[str, ...]) -> None:
    """Make a calendar, or give it exactly these days.

    DAY is a date, or two dates with two dots between.

    \b
    booper calendars set holidays 2026-12-24..2026-12-26 2027-01-01
    """
    _show(session, session.client.calendars.put(calendar, list(map(day, days))))


@command.command("delete")
@CALENDAR
@click.option("--yes", "-y", is_flag=True, help="Do not ask.")
@shared
def delete_calendar(session: Session, calendar: str, yes: bool) -> None:
    """Delete a calendar that no schedule names."""
    confirm(f"Delete the calendar {calendar}?", yes)
    session.client.calendars.delete(calendar)
    session.output.line(None, f"{calendar} deleted")
