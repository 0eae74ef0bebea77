"""`booper endpoints`: who receives the events of all jobs."""

from typing import Any

import click

from booper_client.cli.session import Session, confirm
from booper_client.cli.session import command as shared
from booper_client.models.account import Endpoint

COLUMNS = ("ID", "STATE", "TYPES", "CREATED", "URL")
ENDPOINT = click.argument("endpoint")
TYPE = click.option("--type", "types", multiple=True, help="An event that it receives, as job.finished; default all.")


@click.group("endpoints", short_help="Say who receives the events of all jobs.")
def command() -> None:
    """Say who receives the events of all jobs. ENDPOINT is a UUID."""


def _cells(endpoint: Endpoint) -> tuple[Any, ...]:
    types = ", ".join(endpoint.types) if endpoint.types else "all"
    return (endpoint.id, "enabled" if endpoint.enabled else "disabled", types, endpoint.inserted_at, endpoint.url)


def _show(session: Session, endpoint: Endpoint) -> None:
    session.output.item(endpoint, zip(map(str.lower, COLUMNS), _cells(endpoint), strict=True))


@command.command("list")
@shared
def list_endpoints(session: Session) -> None:
    """List all endpoints."""
    session.output.rows(COLUMNS, session.client.endpoints.list(), _cells)


@command.command("get")
@ENDPOINT
@shared
def get_endpoint(session: Session, endpoint: str) -> None:
    """Show an endpoint."""
    _show(session, session.client.endpoints.get(endpoint))


@command.command("create")
@click.argument("url")
@TYPE
@click.option("--unique", is_flag=True, help="Not if there is one of this URL.")
@shared
def create_endpoint(session: Session, url: str, types: tuple[str, ...], unique: bool) -> None:
    """Add a URL that receives events."""
    _show(session, session.client.endpoints.create(url, types=list(types) or None, unique=unique))


@command.command("update")
@ENDPOINT
@click.option("--url", help="Another URL.")
@TYPE
@click.option("--enable/--disable", "enabled", default=None, help="Send to it, or hold its events.")
@shared
def update_endpoint(session: Session, endpoint: str, **options: Any) -> None:
    """Change what the options say."""
    fields = {name: value for name, value in options.items() if value not in (None, ())}
    if not fields:
        raise click.UsageError("Nothing to change: add --url, --type, --enable or --disable.")
    _show(session, session.client.endpoints.change(endpoint, **fields))


@command.command("delete")
@ENDPOINT
@click.option("--yes", "-y", is_flag=True, help="Do not ask.")
@shared
def delete_endpoint(session: Session, endpoint: str, yes: bool) -> None:
    """Delete an endpoint, and cancel its events that wait."""
    confirm(f"Delete the endpoint {endpoint}?", yes)
    session.client.endpoints.delete(endpoint)
    session.output.line(None, f"{endpoint} deleted")
