"""`booper incidents`: what alert rules have found."""

from itertools import islice
from typing import Any

import click

from booper_client.cli.request_options import ORDER
from booper_client.cli.session import Session
from booper_client.cli.session import command as shared
from booper_client.models.alerts import Incident

COLUMNS = ("STATE", "OPENED", "TYPE", "ALERT", "WHAT", "ID")
INCIDENT = click.argument("incident")


@click.group("incidents", short_help="Show what alert rules have found.")
def command() -> None:
    """Show what alert rules have found. INCIDENT is a UUID."""


def _state(incident: Incident) -> str:
    if not incident.is_open:
        return "closed"
    return "acknowledged" if incident.acknowledged_at else "open"


def _cells(incident: Incident) -> tuple[Any, ...]:
    shown = (_state(incident), incident.opened_at, incident.type, incident.alert, incident.title)
    return (*shown, incident.id)


def _show(session: Session, incident: Incident) -> None:
    more = (("detail", incident.detail), ("closed", incident.closed_at), ("muted until", incident.muted_until))
    session.output.item(incident, [*zip(map(str.lower, COLUMNS), _cells(incident), strict=True), *more])


@command.command("list")
@click.option("--state", type=click.Choice(["open", "closed"]), help="Only these.")
@click.option("--limit", "-n", type=click.IntRange(1), default=20, show_default=True, help="How many at most.")
@ORDER
@shared
def list_incidents(session: Session, state: str | None, order_by: str | None, limit: int) -> None:
    """List incidents, the latest first."""
    session.output.rows(COLUMNS, islice(session.client.incidents.list(state=state, order_by=order_by), limit), _cells)


@command.command("get")
@INCIDENT
@shared
def get_incident(session: Session, incident: str) -> None:
    """Show an incident."""
    _show(session, session.client.incidents.get(incident))


@command.command("acknowledge")
@INCIDENT
@shared
def acknowledge_incident(session: Session, incident: str) -> None:
    """Say that somebody works on an incident: no more reminders."""
    _show(session, session.client.incidents.acknowledge(incident))


@command.command("mute")
@INCIDENT
@click.option("--until", metavar="TIME", help="Until when: 2026-01-31T09:00:00Z; default: a day from now.")
@shared
def mute_incident(session: Session, incident: str, until: str | None) -> None:
    """Notify nobody of an incident for a while."""
    _show(session, session.client.incidents.mute(incident, until=until))


@command.command("unmute")
@INCIDENT
@shared
def unmute_incident(session: Session, incident: str) -> None:
    """Notify of a muted incident again."""
    _show(session, session.client.incidents.unmute(incident))


@command.command("close")
@INCIDENT
@shared
def close_incident(session: Session, incident: str) -> None:
    """Close an incident, although what caused it may go on."""
    _show(session, session.client.incidents.close(incident))
