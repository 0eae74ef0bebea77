"""`booper status`: what is due, running, waiting and failing."""

import click

from booper_client.cli.session import Session
from booper_client.cli.session import command as shared


@click.command("status")
@shared
def command(session: Session) -> None:
    """Show what is due, running, waiting and failing."""
    stats = session.client.stats()
    jobs, workers = stats.jobs, stats.workers
    pairs = [("server", session.client.url), ("due", jobs.due), ("running", jobs.running), ("waiting", jobs.waiting)]
    slots = f"{workers['running']}, {workers['slots_in_use']} of {workers['slots']} slots in use"
    session.output.item(stats, [*pairs, ("failing", jobs.failing), ("workers", slots)])
