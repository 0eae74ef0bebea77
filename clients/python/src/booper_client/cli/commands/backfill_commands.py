"""`booper schedules backfill` and `backfills`: past instants that are made up for."""

from typing import Any

import click

from booper_client.cli.session import Session, confirm
from booper_client.cli.session import command as shared
from booper_client.models.schedules import Backfill

COLUMNS = ("STATE", "INSTANTS", "MADE", "PASSED OVER", "LEFT", "CREATED", "ID")


def _cells(backfill: Backfill) -> tuple[Any, ...]:
    counts = (backfill.instants, backfill.made, backfill.passed_over, backfill.left)
    return (backfill.state, *counts, backfill.inserted_at, backfill.id)


@click.command("backfill")
@click.argument("schedule")
@click.option("--from", "first", metavar="TIME", required=True, help="The first instant: 2026-11-01T00:00:00Z.")
@click.option("--to", "last", metavar="TIME", required=True, help="The last instant.")
@click.option("--yes", "-y", is_flag=True, help="Do not ask.")
@shared
def backfill(session: Session, schedule: str, first: str, last: str, yes: bool) -> None:
    """Make jobs for past instants of a schedule, one after another.

    \b
    booper schedules backfill daily-report \\
      --from 2026-01-01T00:00:00Z --to 2026-01-03T00:00:00Z --yes
    """
    confirm(f"Make the jobs of {schedule} from {first} to {last}?", yes)
    made = session.client.backfills.create(schedule, first, last)
    session.output.item(made, zip(map(str.lower, COLUMNS), _cells(made), strict=True))


@click.command("backfills")
@click.argument("schedule")
@click.option("--cancel", metavar="BACKFILL", help="Stop this one first, by its UUID; its jobs stay.")
@shared
def backfills(session: Session, schedule: str, cancel: str | None) -> None:
    """List the backfills of a schedule, the latest first."""
    if cancel:
        session.client.backfills.cancel(cancel)
    session.output.rows(COLUMNS, session.client.backfills.list(schedule), _cells)
