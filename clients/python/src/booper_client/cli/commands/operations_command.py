"""`booper operations`: what is done to many jobs."""

from itertools import islice
from typing import Any

import click

from booper_client.cli.request_options import ORDER
from booper_client.cli.session import Session
from booper_client.cli.session import command as shared
from booper_client.models.jobs import Operation

COLUMNS = ("STATE", "ACTION", "DONE", "LEFT", "FAILED", "CREATED", "ID")
OPERATION = click.argument("operation")


@click.group("operations", short_help="Show and stop bulk actions, such as cancelling many jobs.")
def command() -> None:
    """Show and stop bulk actions: many jobs that are cancelled, retried or deleted
    by a filter. OPERATION is a UUID.
    """


def _cells(operation: Operation) -> tuple[Any, ...]:
    counts = (operation.done, operation.left, operation.failed)
    return (operation.state, operation.action, *counts, operation.inserted_at, operation.id)


def _show(session: Session, operation: Operation) -> None:
    pairs = [*zip(map(str.lower, COLUMNS), _cells(operation), strict=True), ("filter", operation.raw.get("filter"))]
    session.output.item(operation, pairs)


@command.command("list")
@click.option("--state", type=click.Choice(["running", "done", "cancelled"]), help="Only these.")
@click.option("--limit", "-n", type=click.IntRange(1), default=20, show_default=True, help="How many at most.")
@ORDER
@shared
def list_operations(session: Session, state: str | None, order_by: str | None, limit: int) -> None:
    """List operations, the latest first."""
    session.output.rows(COLUMNS, islice(session.client.operations.list(state=state, order_by=order_by), limit), _cells)


@command.command("get")
@OPERATION
@shared
def get_operation(session: Session, operation: str) -> None:
    """Show an operation and how far it is."""
    _show(session, session.client.operations.get(operation))


@command.command("cancel")
@OPERATION
@shared
def cancel_operation(session: Session, operation: str) -> None:
    """Stop an operation; the jobs that it has changed stay changed."""
    _show(session, session.client.operations.cancel(operation))
